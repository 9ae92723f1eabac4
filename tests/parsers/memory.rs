//! How much memory something takes, and what it does where it gets too little.

use dlr::memory::is_attempt;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

thread_local! {
    /// Bytes allocated now and at most by this thread, since both were set to 0.
    static USED: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
    /// The most bytes that this thread gets at once, where it can do without.
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn count(bytes: isize) {
    // A thread that ends has nobody left to tell.
    let _ = USED.try_with(|used| {
        let (now, peak) = used.get();
        used.set((now + bytes, peak.max(now + bytes)));
    });
}

/// The most bytes that `work` had allocated on this thread at any time.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    USED.set((0, 0));
    let made = work();
    (made, USED.get().1 as usize)
}

/// What `work` makes where memory for a file is refused, if it is more than `most` bytes at once.
pub fn with_little<T>(most: usize, work: impl FnOnce() -> T) -> T {
    MOST.set(most);
    let made = work();
    MOST.set(usize::MAX);
    made
}

/// A layout's bytes, which are never more than an `isize` holds.
fn size(layout: Layout) -> isize {
    layout.size().cast_signed()
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator does all the work; what is counted is no part of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MOST.get() && is_attempt() {
            return ptr::null_mut();
        }
        count(size(layout));
        // SAFETY: the caller has promised what this wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: the caller has promised what this wants.
        unsafe { System.dealloc(place, layout) }
    }
}

#[test]
fn what_is_allocated_is_counted() {
    let (kept, most) = peak(|| {
        drop(vec![1_u8; 3000]);
        vec![2_u8; 1000]
    });
    assert_eq!((kept.len(), most), (1000, 3000));
}
