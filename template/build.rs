mod roles;

fn main() {
    paracrine_build::compile(roles::site);
}
