//! Cuts a failing case down: fewer deeds, no power cuts, as long as something still differs.

use crate::{deed::Deed, world::World};

/// The least that was found, and how it fails. Every attempt does all its deeds anew.
pub(crate) fn shrink(mut deeds: Vec<Deed>, mut error: String) -> (Vec<Deed>, String) {
    let mut left = ATTEMPTS;
    let mut size = deeds.len().div_ceil(2);
    while size > 0 && left > 0 {
        let mut start = 0;
        while start < deeds.len() && left > 0 {
            left -= 1;
            let end = (start + size).min(deeds.len());
            let fewer = [&deeds[..start], &deeds[end..]].concat();
            match failure(&fewer) {
                Some(failure) => (deeds, error) = failure,
                None => start = end,
            }
        }
        size /= 2;
    }
    for at in 0..deeds.len() {
        let mut simpler = deeds.clone();
        if simpler
            .get_mut(at)
            .is_some_and(|deed| deed.cut.take().is_some())
            && let Some(failure) = failure(&simpler)
        {
            (deeds, error) = failure;
        }
    }
    (deeds, error)
}

/// The deeds up to the one that fails.
fn failure(deeds: &[Deed]) -> Option<(Vec<Deed>, String)> {
    let mut world = World::new();
    for (at, deed) in deeds.iter().enumerate() {
        if let Err(error) = world.act(deed) {
            return Some((deeds[..=at].to_vec(), error));
        }
    }
    let error = world.assert_nothing_leaked(true).err()?;
    Some((deeds.to_vec(), error))
}

const ATTEMPTS: u32 = 3_000;
