//! Asking for memory before it is needed.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for every cache line of `data` to be brought near, and perhaps for some behind it. Changes nothing but timing.
#[inline(always)]
pub fn prefetch<T>(data: &[T]) {
    // Lists of much the same length take as many turns then, and the processor guesses right when the last one comes.
    const TOGETHER: usize = 4;
    for offset in (0..size_of_val(data)).step_by(TOGETHER * LINE) {
        for line in 0..TOGETHER {
            prefetch_line(data, offset + line * LINE);
        }
    }
}

/// Asks for the cache line with the first byte of `data` only.
#[inline(always)]
pub fn prefetch_first<T>(data: &[T]) {
    prefetch_line(data, 0);
}

/// Asks for the cache line that is `offset` bytes behind the start of `data`.
#[inline(always)]
#[allow(unsafe_code)]
fn prefetch_line<T>(data: &[T], offset: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let at = data.as_ptr().cast::<i8>().wrapping_add(offset);
        // SAFETY: a prefetch never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, offset);
}
