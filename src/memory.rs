//! Memory that may be refused: what a file asks for is no reason to end the program, whatever the program does where it has
//! no more memory for itself.

use std::cell::Cell;
use std::collections::TryReserveError;

thread_local! {
    static IS_ATTEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, which can do without the memory that it asks for.
pub fn attempt<T>(work: impl FnOnce() -> T) -> T {
    struct Until(bool);
    impl Drop for Until {
        fn drop(&mut self) {
            IS_ATTEMPT.set(self.0);
        }
    }
    let _end = Until(IS_ATTEMPT.replace(true));
    work()
}

/// Whether this thread can do without the memory that it asks for now. An allocator may ask; this needs none.
pub fn is_attempt() -> bool {
    IS_ATTEMPT.get()
}

/// Makes room for exactly so many more items.
///
/// # Errors
/// If there is not so much memory.
pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), TryReserveError> {
    attempt(|| items.try_reserve_exact(more))
}
