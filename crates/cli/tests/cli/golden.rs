//! Golden files: what the binary says, with what differs from run to run replaced.

use crate::bench::Said;

/// Holds an answer against its golden file.
pub(crate) fn golden(name: &str, said: &Said) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, shown) in [
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b(run:? |--run |run\W{4})[a-z2-7]{12}\b", "${1}RUN"),
        (r"shop_\d+", "shop"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        // As wide as it was, so that tables stay straight.
        (r"\d{4}-\d\d-\d\d( |T)\d\d:\d\d:\d\d(\.\d+)?", "2000-01-01${1}00:00:00"),
        (r#""executionTime": \d+"#, r#""executionTime": 1"#),
        (r"/\S*/\.tmp[A-Za-z0-9]+/", "FOLDER/"),
        (r"/\S*/\.tmp[A-Za-z0-9]+:", "FOLDER:"),
        (r"session \d+", "session PID"),
        (r"process \d+", "process PID"),
    ] {
        settings.add_filter(pattern, shown);
    }
    settings.bind(|| insta::assert_snapshot!(name, said.text()));
}
