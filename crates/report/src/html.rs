//! A report as a page that needs nothing but itself.

use crate::report::{Block, Report};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2127}\
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem;border-bottom:1px solid #d5dae0}\
pre,code{font:14px/1.45 ui-monospace,monospace;background:#f3f5f7;border-radius:4px}\
pre{padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}\
th{text-align:left;padding-right:1.5rem;font-weight:500;color:#5a6572;vertical-align:top}td{overflow-wrap:anywhere}\
.good{color:#14702f}.bad{color:#a3231b}";

impl Report {
    /// The page. `good` says whether the run did what was asked.
    #[must_use]
    pub fn html(&self, good: bool) -> String {
        let class = if good { "good" } else { "bad" };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
             <h1>{}</h1>\n",
            escape(&self.subject),
            escape(&self.subject),
        );
        for first in &self.first {
            page.push_str(&format!("<p class=\"bad\"><strong>{}</strong></p>\n", escape(first)));
        }
        page.push_str(&format!("<p class=\"{class}\">{}</p>\n", escape(&self.headline)));
        for section in &self.sections {
            page.push_str(&format!("<h2>{}</h2>\n", escape(section.title)));
            for block in &section.blocks {
                write(&mut page, block);
            }
        }
        page.push_str("</html>\n");
        page
    }
}

fn write(page: &mut String, block: &Block) {
    match block {
        Block::Words(words) => page.push_str(&format!("<p>{}</p>\n", escape(words))),
        Block::Quote(lines) => page.push_str(&format!("<pre>{}</pre>\n", escape(&lines.join("\n")))),
        Block::List(heading, items) => {
            page.push_str(&format!("<p>{}:</p>\n<ul>\n", escape(heading)));
            for item in items {
                page.push_str(&format!("<li><code>{}</code></li>\n", escape(item)));
            }
            page.push_str("</ul>\n");
        }
        Block::Command(purpose, command) => {
            page.push_str(&format!(
                "<p>{}:</p>\n<pre>{}</pre>\n",
                escape(purpose),
                escape(command)
            ));
        }
        Block::Facts(facts) => {
            page.push_str("<table>\n");
            for (name, value) in facts {
                page.push_str(&format!(
                    "<tr><th>{}</th><td>{}</td></tr>\n",
                    escape(name),
                    value_of(value)
                ));
            }
            page.push_str("</table>\n");
        }
    }
}

/// A link where the value is an address of the web.
fn value_of(value: &str) -> String {
    let value = escape(value);
    if value.starts_with("https://") {
        return format!("<a href=\"{value}\">{value}</a>");
    }
    value
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
