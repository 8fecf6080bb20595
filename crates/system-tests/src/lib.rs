//! Where both sides of the wall meet.
