//! axe-core in the browser: every page is checked as it is drawn, contrast included.

use std::{fs, path::Path};

use fantoccini::Client;
use serde::Deserialize;

/// Checks the page in the browser with axe-core, and fails with what it finds.
pub(crate) async fn check(browser: &Client, page: &str) {
    browser.execute(&axe(), Vec::new()).await.unwrap();
    let found = browser.execute_async(RUN, Vec::new()).await.unwrap();
    let report: Report = serde_json::from_value(found).unwrap();
    assert!(
        report.violations.is_empty(),
        "{page}: {:#?}",
        report.violations
    );
    assert!(
        report.undecided.is_empty(),
        "{page}: {:#?}",
        report.undecided
    );
    // Otherwise axe-core has checked nothing.
    assert!(
        report.passes.iter().any(|rule| rule == "color-contrast"),
        "{page}"
    );
}

/// Returns axe-core's script in `target/tools/axe`.
fn axe() -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("tools/axe");
    fs::read_to_string(folder.join("axe_playwright_python/axe.min.js")).unwrap_or_else(|error| {
        let pip = target.join("tools/portal/bin/pip");
        panic!(
            "{error}; needed: {} install --no-deps --target {} axe-playwright-python==0.1.8",
            pip.display(),
            folder.display()
        )
    })
}

#[derive(Deserialize)]
struct Report {
    /// What is wrong: rule and element.
    violations: Vec<String>,
    /// Texts whose contrast could not be determined.
    undecided: Vec<String>,
    /// The rules that found nothing wrong.
    passes: Vec<String>,
}

/// The policy of the pages forbids loading anything, so nothing is preloaded. No text has a pseudo-element behind it.
const RUN: &str = r#"
const done = arguments[arguments.length - 1];
const lines = (rules) => rules.flatMap((rule) =>
  rule.nodes.map((node) => `${rule.id}: ${node.html} ${node.failureSummary}`));
axe._audit.checks["color-contrast"].options.ignorePseudo = true;
axe.run(document, { preload: false }).then(
  (found) => done({
    violations: lines(found.violations),
    undecided: lines(found.incomplete.filter((rule) => rule.id === "color-contrast")),
    passes: found.passes.map((rule) => rule.id),
  }),
  (error) => done({ violations: [String(error)], undecided: [], passes: [] }));
"#;
