use crate::Response;

/// Answers one request; `path` is what follows the function's name, with the query.
pub fn handle(method: &str, path: &str) -> Response {
    if path != "/" {
        return Response { status: 404, content_type: "text/plain", body: b"there is only /\n".to_vec() };
    }
    let body = format!("{{\"greeting\":\"Hello, World!\",\"method\":\"{method}\"}}\n").into_bytes();
    Response { status: 200, content_type: "application/json", body }
}
