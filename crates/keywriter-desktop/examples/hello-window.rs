//! The smallest window of the toolkit: the baseline for the app's start time and memory.

#![expect(missing_docs, reason = "the toolkit's macro makes items without")]

slint::slint! {
    export component Hello inherits Window {
        title: "Hello";
        preferred-width: 1180px;
        preferred-height: 760px;
        background: #f3f5f9;
        Text { text: "Hello"; }
    }
}

fn main() -> Result<(), slint::PlatformError> {
    Hello::new()?.run()
}
