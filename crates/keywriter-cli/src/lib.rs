//! The keywriter program.
