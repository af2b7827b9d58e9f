use super::*;

fn packages(status: &str) -> (tempfile::TempDir, Packages) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("var/lib/dpkg/updates")).unwrap();
    std::fs::write(root.path().join("var/lib/dpkg/status"), status).unwrap();
    let packages = Packages::new(root.path());
    (root, packages)
}

const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
    Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2\n\n\
    Package: half\nStatus: install ok half-configured\nArchitecture: all\nVersion: 1\n";

#[test]
fn the_status_file_is_read_once_and_again_after_changes() {
    let (root, mut packages) = packages(STATUS);
    packages.announce("nginx", false);
    assert_eq!(packages.state("nginx").unwrap().version.as_deref(), Some("1.2"));
    std::fs::write(root.path().join("var/lib/dpkg/status"), STATUS.replace("1.2", "1.3")).unwrap();
    assert_eq!(packages.state("nginx").unwrap().version.as_deref(), Some("1.2"));
    packages.forget();
    assert_eq!(packages.state("nginx").unwrap().version.as_deref(), Some("1.3"));
    assert_eq!(packages.state("nginx:amd64").unwrap().status, Status::Installed);
    assert_eq!(packages.state("other").unwrap(), Package::default());
}

#[test]
fn a_machine_without_dpkg_is_told() {
    let mut packages = Packages::new(Path::new("/nonexistent"));
    let failure = packages.state("nginx").unwrap_err();
    assert!(failure.message.starts_with("cannot read dpkg's status file /nonexistent/var/lib/dpkg/status: "));
}

#[test]
fn predictions_lie_over_the_status_file() {
    let (_root, mut packages) = packages(STATUS);
    packages.predict("curl", Some("8".into()));
    packages.predict_removed("nginx:amd64");
    assert_eq!(packages.state("curl:amd64").unwrap().version.as_deref(), Some("8"));
    assert_eq!(packages.state("curl:i386").unwrap().status, Status::NotInstalled);
    assert_eq!(packages.state("nginx").unwrap().status, Status::NotInstalled);
    assert!(packages.predicts("curl") && !packages.predicts("dpkg"));
}

#[test]
fn an_interrupted_dpkg_is_noticed() {
    let (root, mut packages) = packages(STATUS);
    assert!(!packages.was_interrupted() && !packages.state("nginx").unwrap().status.is_broken());
    assert!(packages.state("half").unwrap().status.is_broken());
    std::fs::write(root.path().join("var/lib/dpkg/updates/0001"), "").unwrap();
    assert!(packages.was_interrupted());
}
