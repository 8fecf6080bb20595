//! The end of who started the plugin.

use rustix::event::{PollFd, PollFlags, poll};
use std::{io, process, thread, time::Duration};

/// Ends the plugin some seconds after its client, whatever it waits for: only asking a module takes so long.
pub(crate) fn end_with_client() {
    thread::spawn(|| {
        let input = io::stdin();
        // Nothing is waited for but the other end.
        let mut polled = [PollFd::new(&input, PollFlags::empty())];
        let ended = poll(&mut polled, None).is_ok();
        if ended
            && polled
                .iter()
                .any(|polled| polled.revents().contains(PollFlags::HUP))
        {
            thread::sleep(GRACE);
            process::exit(1);
        }
    });
}

/// How long the plugin may outlive its client: one that has its answer closes the connection first.
const GRACE: Duration = Duration::from_secs(2);
