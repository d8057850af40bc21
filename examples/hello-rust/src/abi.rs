//! The canonical ABI of `invoke: func(input: string) -> result<string, string>`, by hand: no crate is needed.
//! The result is passed by its address: a tag (0 ok, 1 error), then the text's address and length.

mod handler;

use std::alloc::{alloc, handle_alloc_error, realloc, Layout};

#[repr(C)]
pub struct Answer {
    tag: u8,
    text: *mut u8,
    length: usize,
}

/// The host asks here for memory to put strings into.
///
/// # Safety
/// Called by the host, with what it got here before.
#[export_name = "cabi_realloc"]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, alignment: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return alignment as *mut u8;
    }
    let layout = Layout::from_size_align_unchecked(if old_size == 0 { size } else { old_size }, alignment);
    let memory = if old_size == 0 { alloc(layout) } else { realloc(old, layout, size) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    memory
}

/// # Safety
/// Called by the host, with UTF-8 that it put where `cabi_realloc` said.
#[export_name = "invoke"]
pub unsafe extern "C" fn invoke(input: *mut u8, length: usize) -> *mut Answer {
    let input = if length == 0 { String::new() } else { String::from_raw_parts(input, length, length) };
    let (tag, text) = match handler::invoke(&input) {
        Ok(text) => (0, text),
        Err(message) => (1, message),
    };
    let text = text.into_bytes().into_boxed_slice();
    let length = text.len();
    let text = Box::into_raw(text) as *mut u8;
    Box::into_raw(Box::new(Answer { tag, text, length }))
}

/// The host has taken the result.
///
/// # Safety
/// Called by the host, with what `invoke` gave.
#[export_name = "cabi_post_invoke"]
pub unsafe extern "C" fn post_invoke(answer: *mut Answer) {
    let answer = Box::from_raw(answer);
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(answer.text, answer.length)));
}
