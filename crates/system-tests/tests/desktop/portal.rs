//! A real portal with one license sold.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use system_tests::lab::program;
use tempfile::TempDir;

pub(crate) struct Portal {
    folder: TempDir,
    process: Child,
    pub(crate) url: String,
}

impl Portal {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(program("license-portal"))
            .args(["serve", "--development", "--listen", "127.0.0.1:0"])
            .args(MAILS)
            .arg("--data")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("license-portal starts");
        let out = BufReader::new(process.stdout.take().expect("piped"));
        let mut lines = out.lines().map_while(Result::ok);
        let url = lines
            .by_ref()
            .find_map(|line| {
                let start = line.find("http://127.0.0.1:")?;
                let url = line.get(start..)?.split_whitespace().next()?;
                Some(url.trim_end_matches(['.', ',', '/']).to_owned())
            })
            .expect("it says where it listens");
        // It prints mails, too, and must find a reader.
        thread::spawn(move || lines.for_each(drop));
        Self {
            folder,
            process,
            url,
        }
    }

    /// Sells a license; its number and PIN, as they stand in the mail.
    pub(crate) fn sell(&self) -> (String, String) {
        let sold = Command::new(program("license-portal"))
            .args(["issue", "--email", "a@b.example", "--activated"])
            .args(MAILS)
            .arg("--data")
            .arg(self.folder.path())
            .output()
            .expect("license-portal starts");
        assert!(sold.status.success(), "{sold:?}");
        let mails = self.folder.path().join("outbox");
        let text = (0..600)
            .find_map(|_| {
                let text = fs::read_dir(&mails)
                    .ok()
                    .and_then(|mut mails| fs::read_to_string(mails.next()?.ok()?.path()).ok());
                if text.is_none() {
                    thread::sleep(Duration::from_millis(50));
                }
                text
            })
            .expect("a mail");
        let word = |is: &dyn Fn(&str) -> bool| {
            let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            words
                .into_iter()
                .find(|word| is(word))
                .expect("it is in the mail")
                .to_owned()
        };
        let number = word(&|word| word.len() == 19 && word.matches('-').count() == 3);
        let pin = word(&|word| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()));
        (number, pin)
    }
}

/// Mails are files that name this address.
const MAILS: [&str; 3] = ["--mail-folder", "--public-url", "http://127.0.0.1:8480"];

impl Drop for Portal {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("the portal did not end: {error}");
        }
    }
}
