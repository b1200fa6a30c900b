import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.logging.LogManager;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/**
 * The real Flyway, by its public door: reads a file of settings, migrates, and tells what it then thinks of the database.
 * Maven Central has Flyway's engine, but its command line only in part.
 */
public final class FlywayAlone {
    public static void main(String[] arguments) throws IOException {
        // What it did is asked for below; what it says meanwhile nobody reads.
        LogManager.getLogManager().reset();
        try {
            run(arguments);
        } catch (FlywayException exception) {
            System.err.println(exception.getMessage());
            System.exit(1);
        }
    }

    private static void run(String[] arguments) throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            properties.load(reader);
        }
        Map<String, String> settings = new HashMap<>();
        properties.forEach((key, value) -> settings.put((String) key, (String) value));
        Flyway flyway = Flyway.configure().configuration(settings).load();
        System.out.println("migrated\t" + flyway.migrate().migrationsExecuted);
        for (MigrationInfo info : flyway.info().all()) {
            String version = info.getVersion() == null ? "" : info.getVersion().getVersion();
            String state = info.getState().getDisplayName();
            // What a type is called moved between classes; its name did not.
            System.out.println(String.join("\t", "info", version, info.getDescription(), String.valueOf(info.getType()), state));
        }
        flyway.validate();
        System.out.println("valid");
    }
}
