//! The one binary.

fn main() -> std::process::ExitCode {
    tapeward::cli::main()
}
