//! What operators watch: the metrics, and the alerts for Prometheus, read by Prometheus itself.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use license_portal::{metrics::Metrics, model::Counts};
use serde_json::Value;

use crate::{
    driver::free_port,
    instances::{Instance, call, fetch, output, program, until},
};

/// Returns a program of Debian's package prometheus in `target/tools/prometheus`.
fn prometheus(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join("tools/prometheus/usr/bin").join(name);
    assert!(
        program.exists(),
        "{} is missing: docs/PORTAL.md says how to get it",
        program.display()
    );
    program
}

fn alerts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alerts.yml")
}

#[test]
fn every_alert_is_about_a_metric_that_there_is() {
    let metrics = Metrics::default();
    for class in [&metrics.answered, &metrics.rejected, &metrics.failed] {
        class.inc();
    }
    let text = metrics.text(Some(Counts::default())).unwrap();
    let alerts = include_str!("../../deploy/alerts.yml");
    let names = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names: Vec<_> = names
        .filter(|word| word.starts_with("license_portal_"))
        .collect();
    assert!(names.len() > 5);
    for name in names {
        assert!(
            text.contains(&format!("\n{name}")),
            "{name} is not in {text}"
        );
    }
}

#[test]
fn every_alert_is_raised_when_it_should_be_and_not_before() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts.yml");
    let promtool = || Command::new(prometheus("promtool"));
    output(promtool().args(["check", "rules"]).arg(alerts()));
    output(promtool().args(["test", "rules"]).arg(&tests));
    let tests = fs::read_to_string(tests).unwrap();
    for line in fs::read_to_string(alerts()).unwrap().lines() {
        if let Some(name) = line.trim_start().strip_prefix("- alert: ") {
            let raised = format!("alertname: {name}\n        exp_alerts:");
            assert!(tests.contains(&raised), "{name} is not raised in the tests");
        }
    }
}

struct Prometheus(Child);

impl Prometheus {
    fn start(folder: &Path, port: u16) -> Self {
        let mut command = Command::new(prometheus("prometheus"));
        command
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_metrics_of_a_running_portal_as_the_example_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("portal");
    output(program(&data, None).arg("init"));
    output(program(&data, None).args(["issue", "--email", "a@b.example", "--count", "3"]));
    let instance = Instance::start(&data, None, &[]);
    let (_, text) = fetch("GET", &format!("{}/metrics", instance.base), String::new())
        .await
        .unwrap();
    check_metrics(&text);

    fs::copy(alerts(), folder.path().join("alerts.yml")).unwrap();
    let place = instance.base.strip_prefix("http://").unwrap();
    let example = include_str!("../../deploy/prometheus.yml");
    let example = example
        .replace("127.0.0.1:8480", place)
        .replace("scrape_interval: 15s", "scrape_interval: 1s");
    fs::write(folder.path().join("prometheus.yml"), example).unwrap();
    let port = free_port();
    let _prometheus = Prometheus::start(folder.path(), port);
    let ask = async |what: &str| {
        let url = format!("http://127.0.0.1:{port}/api/v1/{what}");
        let answer = call("GET", &url, &Value::Null).await;
        answer.map_or(Value::Null, |(_, answer)| answer)
    };
    until("the first reading", async || {
        let metric = "query?query=license_portal_licenses%7Bstate=%22issued%22%7D";
        let answer = ask(metric).await;
        let labels = &answer["data"]["result"][0]["metric"];
        labels["job"] == "license-portal" && answer["data"]["result"][0]["value"][1] == "3"
    })
    .await;
    let targets = ask("targets").await;
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!(
        (&target["health"], &target["lastError"]),
        (&"up".into(), &"".into())
    );
    let rules = ask("rules").await;
    let rules = rules["data"]["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(rules.len(), 5);
    assert!(rules.iter().all(|rule| rule["state"] == "inactive"));
}

/// Has promtool check metrics. It reads the older text format, in which the name that describes a counter ends in
/// `_total`, too.
fn check_metrics(text: &str) {
    let is_counter = |name: &str| text.contains(&format!("# TYPE {name} counter\n"));
    let older: String = text
        .lines()
        .map(|line| match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", what @ ("HELP" | "TYPE"), name, rest] if is_counter(name) => {
                format!("# {what} {name}_total {rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let mut promtool = Command::new(prometheus("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(older.as_bytes()).unwrap();
    drop(input);
    let said = promtool.wait_with_output().unwrap();
    assert!(
        said.status.success() && said.stderr.is_empty(),
        "{}\n{older}",
        String::from_utf8_lossy(&said.stderr)
    );
}
