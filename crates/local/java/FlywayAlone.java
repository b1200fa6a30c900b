import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.LogManager;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.core.internal.configuration.ConfigUtils;

/**
 * The real Flyway, by its public door. Reads lines of a command and a file of settings with a tab between; answers each with
 * lines, the last of them <code>end</code>. Maven Central has Flyway's engine, but its command line only in part.
 */
public final class FlywayAlone {
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws IOException {
        // What it did is asked for below; what it says meanwhile nobody reads.
        LogManager.getLogManager().reset();
        var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] request = line.split("\t");
            try {
                run(request[0], Path.of(request[1]));
            } catch (FlywayException exception) {
                tell("failed", exception.getMessage());
            }
            tell("end");
            OUT.flush();
        }
    }

    private static void run(String command, Path file) throws IOException {
        Flyway flyway;
        // As its command line reads them.
        try (var reader = Files.newBufferedReader(file)) {
            flyway = Flyway.configure().configuration(ConfigUtils.loadConfigurationFromReader(reader)).load();
        }
        switch (command) {
            case "migrate" -> tell("migrated", flyway.migrate().migrationsExecuted);
            case "baseline" -> flyway.baseline();
            case "repair" -> flyway.repair();
            case "info" -> {
                for (MigrationInfo info : flyway.info().all()) {
                    Object version = info.getVersion() == null ? "" : info.getVersion().getVersion();
                    // What a type is called moved between classes; its name did not.
                    tell("info", version, info.getDescription(), info.getType(), info.getState().getDisplayName());
                }
            }
            case "validate" -> {
                var result = flyway.validateWithResult();
                for (ValidateOutput problem : result.invalidMigrations) {
                    tell("problem", problem.version, problem.description, problem.errorDetails.errorCode);
                }
                if (!result.validationSuccessful && result.invalidMigrations.isEmpty()) {
                    tell("problem", "", "", result.errorDetails.errorCode);
                }
            }
            default -> throw new FlywayException("no such command: " + command);
        }
    }

    /** One line; nothing in a cell ends it. */
    private static void tell(Object... cells) {
        StringBuilder line = new StringBuilder();
        for (Object cell : cells) {
            String text = String.valueOf(cell == null ? "" : cell).replace('\t', ' ').replace('\n', ' ').replace('\r', ' ');
            line.append(line.isEmpty() ? "" : "\t").append(text);
        }
        OUT.print(line + "\n");
    }
}
