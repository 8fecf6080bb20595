//! The limit of open files: a connection is one.

/// So many files are not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewFiles {
    /// How many are.
    pub allowed: u64,
}

/// Raises this process's limit of open files to `needed`, or as far as it may. Windows has no such limit.
#[cfg(windows)]
pub const fn allow_files(_needed: u64) -> Result<(), TooFewFiles> {
    Ok(())
}

/// Raises this process's limit of open files to `needed`, or as far as it may. Windows has no such limit.
#[cfg(unix)]
pub fn allow_files(needed: u64) -> Result<(), TooFewFiles> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let Some(before) = limit.current.filter(|current| *current < needed) else {
        return Ok(());
    };
    let current = limit.maximum.map_or(needed, |maximum| needed.min(maximum));
    let raised = Rlimit {
        current: Some(current),
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => current,
        Err(_refused) => before,
    };
    if allowed < needed {
        return Err(TooFewFiles { allowed });
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may() {
        assert_eq!(allow_files(1), Ok(()));
        let error = allow_files(u64::MAX).unwrap_err();
        assert!(error.allowed >= 64 && error.allowed < u64::MAX, "{error:?}");
        assert_eq!(allow_files(error.allowed), Ok(()));
    }
}
