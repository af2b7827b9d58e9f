paracrine::main!();
