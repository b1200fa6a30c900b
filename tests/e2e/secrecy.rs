//! Secrets reach the database, and nothing that Belay writes.

use aws_sdk_dynamodb::types::AttributeValue;
use belay_model::PlaceholderSource;
use serde_json::json;

use crate::case::Case;
use crate::world::world;

const VALUE: &str = "s3cret-placeholder-7c1e";

/// Whatever was said anywhere in the stack until now: by this test's runs, which fail with the secret in the statement,
/// and by every other test's.
#[tokio::test]
async fn a_secret_is_in_no_log_history_result_mail_or_paper() {
    let aws = world().await.stack.aws();
    let create = aws
        .secrets
        .create_secret()
        .name("belay/placeholder")
        .secret_string(json!({"token": VALUE}).to_string());
    let arn = create.send().await.unwrap().arn.unwrap();
    let source = PlaceholderSource::Secret {
        arn,
        key: "token".to_owned(),
    };
    let case = Case::with("secrecy", |target| {
        _ = target.placeholders.insert("token".to_owned(), source)
    })
    .await;

    let used = (
        "V1__used.sql",
        "CREATE TABLE used (token text); INSERT INTO used VALUES ('${token}')",
    );
    let migrated = case.ship(&[used]).await;
    assert_eq!(migrated.result.status, "migrated");
    assert_eq!(case.value("TABLE used").await, VALUE);
    let failing = [
        ("V2__bad.sql", "SELECT '${token}'::int", "unchanged"),
        (
            "V2__bad.sql",
            "DO $$ BEGIN RAISE EXCEPTION 'it is ${token}' USING detail = '${token}', hint = 'try ${token}'; END $$",
            "unchanged",
        ),
        ("verify/bad.sql", "SELECT '${token}' = 'x', '${token}'", "unchanged"),
        (
            "V2__bad.sql",
            "INSERT INTO used VALUES ('${token}'); COMMIT; SELEC '${token}'",
            "needs-operator",
        ),
    ];
    for (path, text, outcome) in failing {
        let ran = case.ship(&[used, (path, text), ("V3__more.sql", "SELECT 1")]).await;
        assert_eq!(ran.result.status, outcome, "{text}: {:#?}", ran.result);
    }

    let said = everything(&case).await;
    let postgres = case.postgres();
    let secrets = [VALUE, postgres.migrator().password(), postgres.superuser().password()];
    for (place, text) in said {
        for secret in secrets {
            let at = text.find(secret);
            let around = at.map(|at| text.get(at.saturating_sub(200)..(at + 80).min(text.len())));
            assert_eq!(around, None, "a secret is in {place}");
        }
    }
}

/// All that the stack has said, with where.
async fn everything(case: &Case) -> Vec<(String, String)> {
    let stack = &case.world.stack;
    let mut said = Vec::new();
    let logs = stack.logs(&case.aws).await.unwrap();
    assert!(
        logs.iter().any(|line| line.contains("verified")),
        "the functions' logs are not seen"
    );
    said.extend(logs.into_iter().map(|line| ("a log".to_owned(), line)));
    for (key, bytes) in case
        .objects("results/")
        .await
        .into_iter()
        .chain(case.objects("runs/").await)
    {
        said.push((key, String::from_utf8_lossy(&bytes).into_owned()));
    }
    said.push(("the emulator's log".to_owned(), stack.emulator().log().unwrap()));
    for mail in case.world.mails() {
        said.push((
            format!("the mail {}", mail.subject),
            format!("{} {}", mail.subject, mail.text),
        ));
    }
    let executions = stack.executions(&case.aws).await.unwrap();
    let ours = executions
        .iter()
        .filter(|execution| execution.name.starts_with("secrecy-"));
    for execution in ours {
        let arn = &execution.execution_arn;
        let history = case
            .aws
            .cli(["stepfunctions", "get-execution-history", "--execution-arn", arn])
            .await
            .unwrap();
        assert!(history.contains("LoadTarget"), "the execution's history is not seen");
        said.push((arn.clone(), history));
    }
    let locks = case
        .aws
        .dynamodb
        .scan()
        .table_name(stack.lock_table().unwrap())
        .send()
        .await
        .unwrap();
    let texts = locks
        .items
        .unwrap_or_default()
        .into_iter()
        .flat_map(|item| item.into_values());
    said.extend(texts.filter_map(|value| match value {
        AttributeValue::S(text) => Some(("a lock".to_owned(), text)),
        _ => None,
    }));
    assert!(said.len() > 100, "{}", said.len());
    said
}
