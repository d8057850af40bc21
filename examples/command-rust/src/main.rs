//! A plain program: its input is on standard input, its output on standard output, and what it writes to standard
//! error goes to the function's log. Gives the input back, its lines sorted.

use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        eprintln!("cannot read the input: {error}");
        return ExitCode::FAILURE;
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    eprintln!("sorted {} lines", lines.len());
    match writeln!(io::stdout(), "{}", lines.join("\n")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
