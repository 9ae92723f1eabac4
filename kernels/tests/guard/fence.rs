//! An allocator that puts every block between two pages that nobody may touch, right at one of them: whoever reads or
//! writes beyond a block's end, or before its start, dies on the spot. So does most of what touches a block that was freed.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

/// The smallest page of the architecture.
const PAGE: usize = 4096;
/// What new blocks are filled with: as f32, NaN.
const JUNK: u8 = 0xff;

/// The side of a block at which a forbidden page begins at once. At the other, there is up to a page that can be touched.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Start,
    End,
}

pub const SIDES: [Side; 2] = [Side::Start, Side::End];

thread_local! {
    static SIDE: Cell<Side> = const { Cell::new(Side::End) };
}

/// Puts the blocks that this thread asks for from now on at such a page.
pub fn lean(side: Side) {
    SIDE.set(side);
}

/// The allocator. It is as slow as three calls of the kernel for each block.
pub struct Fence;

/// Bytes of the whole pages that hold a block.
const fn pages(layout: Layout) -> usize {
    layout.size().next_multiple_of(PAGE)
}

// SAFETY: a block is mapped for itself, so it overlaps no other, lives until it is unmapped, and is as large and aligned as
// asked: `alloc` refuses alignments beyond that of a page.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Fence {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > PAGE {
            return ptr::null_mut();
        }
        let (forbidden, private) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at a place of the system's choice touches no other. What is opened up and filled lies
        // within it, a page from either end.
        unsafe {
            let map = libc::mmap(ptr::null_mut(), pages(layout) + 2 * PAGE, forbidden, private, -1, 0);
            if map == libc::MAP_FAILED {
                return ptr::null_mut();
            }
            let start = map.cast::<u8>().add(PAGE);
            if libc::mprotect(start.cast(), pages(layout), libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return ptr::null_mut();
            }
            let block = match SIDE.get() {
                Side::Start => start,
                Side::End => start.add((pages(layout) - layout.size()) & !(layout.align() - 1)),
            };
            block.write_bytes(JUNK, layout.size());
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `alloc` has put the block into the first of its pages, the second of a mapping that is two pages larger.
        unsafe {
            let map = block.map_addr(|address| (address & !(PAGE - 1)) - PAGE);
            libc::munmap(map.cast(), pages(layout) + 2 * PAGE);
        }
    }
}
