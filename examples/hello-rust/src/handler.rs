/// Takes JSON text, gives JSON text or the message of an error. A real function parses the JSON, with a crate such as
/// serde_json; this one puts it into its answer.
pub fn invoke(input: &str) -> Result<String, String> {
    if input.is_empty() {
        return Err("give me some JSON".to_string());
    }
    Ok(format!("{{\"you_said\":{input}}}"))
}
