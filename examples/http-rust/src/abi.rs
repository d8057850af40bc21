//! wasi:http/incoming-handler@0.2.12 in the canonical ABI, by hand: no crate is needed. Methods of WIT are imported
//! functions, handles are numbers, and results that do not fit a number are written to an address.

mod http;

use std::alloc::{alloc, handle_alloc_error, realloc, Layout};

/// A whole answer.
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

#[link(wasm_import_module = "wasi:http/types@0.2.12")]
extern "C" {
    #[link_name = "[method]incoming-request.method"]
    fn request_method(request: i32, result: *mut Returned);
    #[link_name = "[method]incoming-request.path-with-query"]
    fn request_path(request: i32, result: *mut Returned);
    #[link_name = "[resource-drop]incoming-request"]
    fn request_drop(request: i32);
    #[link_name = "[constructor]fields"]
    fn fields_new() -> i32;
    #[link_name = "[method]fields.append"]
    fn fields_append(fields: i32, name: *const u8, name_length: usize, value: *const u8, length: usize, result: *mut Returned);
    #[link_name = "[constructor]outgoing-response"]
    fn response_new(fields: i32) -> i32;
    #[link_name = "[method]outgoing-response.set-status-code"]
    fn response_set_status(response: i32, status: i32) -> i32;
    #[link_name = "[method]outgoing-response.body"]
    fn response_body(response: i32, result: *mut Returned);
    #[link_name = "[static]response-outparam.set"]
    fn outparam_set(out: i32, is_error: i32, response: i32, _: i32, _: i64, _: i32, _: i32, _: i32, _: i32);
    #[link_name = "[method]outgoing-body.write"]
    fn body_write(body: i32, result: *mut Returned);
    #[link_name = "[static]outgoing-body.finish"]
    fn body_finish(body: i32, has_trailers: i32, _: i32, result: *mut Returned);
}

#[link(wasm_import_module = "wasi:io/streams@0.2.12")]
extern "C" {
    #[link_name = "[method]output-stream.blocking-write-and-flush"]
    fn stream_write(stream: i32, bytes: *const u8, length: usize, result: *mut Returned);
    #[link_name = "[resource-drop]output-stream"]
    fn stream_drop(stream: i32);
}

/// Room for any of the results above: a tag in the first byte, then words.
#[repr(C, align(8))]
#[derive(Default)]
struct Returned {
    tag: u8,
    first: u32,
    second: u32,
    room: [u64; 6],
}

/// What one call of blocking-write-and-flush takes at most (wasi:io/streams).
const CHUNK: usize = 4096;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

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

/// Text that the host put where `cabi_realloc` said.
unsafe fn text_of(result: &Returned) -> String {
    let length = result.second as usize;
    if length == 0 { String::new() } else { String::from_raw_parts(result.first as usize as *mut u8, length, length) }
}

/// # Safety
/// Called by the host, with handles of its own.
#[export_name = "wasi:http/incoming-handler@0.2.12#handle"]
pub unsafe extern "C" fn handle(request: i32, out: i32) {
    let mut result = Returned::default();
    request_method(request, &mut result);
    let method = match METHODS.get(result.tag as usize) {
        Some(known) => (*known).to_string(),
        None => text_of(&result),
    };
    let mut result = Returned::default();
    request_path(request, &mut result);
    let path = if result.tag == 1 { text_of(&result) } else { "/".to_string() };

    let response = http::handle(&method, &path);

    let fields = fields_new();
    let (name, value) = ("content-type", response.content_type);
    fields_append(fields, name.as_ptr(), name.len(), value.as_ptr(), value.len(), &mut result);
    let answer = response_new(fields);
    response_set_status(answer, response.status.into());
    response_body(answer, &mut result);
    let body = result.first as i32;
    outparam_set(out, 0, answer, 0, 0, 0, 0, 0, 0);
    body_write(body, &mut result);
    let stream = result.first as i32;
    for chunk in response.body.chunks(CHUNK) {
        let mut result = Returned::default();
        stream_write(stream, chunk.as_ptr(), chunk.len(), &mut result);
        // The reader is gone.
        if result.tag != 0 {
            break;
        }
    }
    stream_drop(stream);
    body_finish(body, 0, 0, &mut result);
    request_drop(request);
}
