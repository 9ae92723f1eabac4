//! What happens where there is no more memory: the program ends as after any other failure, by a line and an exit code.
//!
//! Rust would abort, and what could change that is not stable yet. So the allocator, which is the system's, looks at what
//! comes of each request; unless whoever made it [can do without](dlr::memory::attempt), and says what to do itself.
//!
//! Where a thread starts, Rust's runtime asks the system itself, and panics. A [hook](watch_threads) tells that as well.

use super::exit::{Code, complain};
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Arguments;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

struct Checked;

#[global_allocator]
static ALLOCATOR: Checked = Checked;

// SAFETY: all memory is the system's, asked for and given back as the caller says; ending the process is no unwinding.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Checked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise, passed on; `memory` came from here, and so from the system.
        checked(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on; `memory` came from here, and so from the system.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[inline]
fn checked(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() && !dlr::memory::is_attempt() {
        end(format_args!("{bytes} bytes more cannot be had"));
    }
    memory
}

/// From now on, a thread without the memory to start ends the program as any other lack of memory does.
pub(super) fn watch_threads() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // By the place, as reading the words takes memory.
        if panic.location().is_some_and(|place| place.file().ends_with("/unix/stack_overflow.rs")) {
            end(format_args!("a thread cannot be started"));
        }
        usual(panic);
    }));
}

/// Ends the program. Neither the line nor the way out takes any memory. Of several threads, the first has the word.
#[cold]
fn end(lacking: Arguments) -> ! {
    static IS_ENDING: AtomicBool = AtomicBool::new(false);
    if IS_ENDING.swap(true, Ordering::Relaxed) {
        std::thread::sleep(Duration::from_secs(1)); // by then, the first has ended it all
    } else {
        complain(format_args!(
            "dlr: error: out of memory: {lacking}; free some memory, raise the limit (ulimit -v), or give smaller --hidden or \
             --batch, or fewer --threads or --jobs"
        ));
    }
    signal_hook::low_level::exit(Code::Failed as i32)
}
