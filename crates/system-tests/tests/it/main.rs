//! Whole modules, whole runs, whole programs.

mod cloning;
