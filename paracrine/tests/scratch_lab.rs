#![allow(clippy::unwrap_used, missing_docs)]
use paracrine::link::*;
use paracrine_model::{hash::Hash, host::*, protocol::*};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

fn address(host: &str, user: &str) -> Address {
    Address { name: host.into(), ssh_hostname: host.into(), ssh_port: None, ssh_user: Some(user.into()),
        ssh_key: vec![std::env::var("LAB_KEY").unwrap()], sudo: true, jump: vec![], host_key: None, arch: Arch::X86_64, inventory: "inv.yaml".into() }
}
fn agent() -> (Hash, Vec<u8>) {
    let bytes = std::fs::read(std::env::var("LAB_AGENT").unwrap()).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(&bytes).unwrap();
    (Hash::of(&bytes), gz.finish().unwrap())
}
fn start(hash: Hash) -> Start {
    Start { agent: hash, identity: "scratch/dev/x".into(), adopt: true, mode: Mode::Check, lock_wait: 0, holder: "scratch".into(), tasks: vec![], values: Default::default() }
}
async fn once(address: &Address, settings: &Settings, agent: &(Hash, Vec<u8>), site: &Path) -> Result<(bool, Vec<FromAgent>), LinkError> {
    let target = Target { address, site, known_hosts: Path::new("known_hosts"), settings };
    let mut link = Link::open(&target, &AgentBinary { hash: agent.0, gz: &agent.1 }, &start(agent.0)).await?;
    let mut all = vec![];
    loop {
        let message = link.recv().await?;
        let end = matches!(message, FromAgent::Done(_) | FromAgent::Refused(_));
        all.push(message);
        if end { break }
    }
    let kept = link.kept();
    link.close().await;
    Ok((kept, all))
}

#[tokio::test]
#[ignore = "x"]
async fn users() {
    let agent = agent();
    println!("agent gz {}", agent.1.len());
    let site = tempfile::tempdir_in("/tmp").unwrap();
    for user in ["root", "deploy", "asksudo", "nosudo"] {
        let settings = Settings { persist: Duration::from_secs(20), sockets: Some(site.path().join("s")), ..Settings::default() };
        for _ in 0..2 {
            let t = Instant::now();
            match once(&address(&std::env::var("LAB_HOST").unwrap(), user), &settings, &agent, site.path()).await {
                Ok(x) => println!("{user} {:?} {x:?}", t.elapsed()),
                Err(e) => println!("{user} {:?} {} {:?}\n{:?}", t.elapsed(), e.unreachable(), e, e.failure()),
            }
        }
    }
}

#[tokio::test]
#[ignore = "x"]
async fn lab_measure() {
    let agent = agent();
    let hosts: Vec<String> = std::env::var("LAB_HOST").unwrap().split(',').map(str::to_owned).collect();
    let user = std::env::var("LAB_USER").unwrap_or("root".into());
    let site = tempfile::tempdir_in("/tmp").unwrap();
    let key = std::env::var("LAB_KEY").unwrap();
    let n: usize = std::env::var("LAB_N").map_or(15, |n| n.parse().unwrap());
    let dir = |name: &str| site.path().join(name);
    let settings = |name: &str| Settings { persist: Duration::from_secs(60), sockets: Some(dir(name)), relay: std::env::var_os("LAB_RELAY").map(Into::into), ..Settings::default() };
    let ssh = |host: &str| {
        let mut c = tokio::process::Command::new("ssh");
        c.args(["-F", "/dev/null", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i", &key, "-o"]).arg(format!("UserKnownHostsFile={}", dir("known_hosts").display())).args(["-l", &user]);
        c.arg("-o").arg("StrictHostKeyChecking=accept-new");
        c.arg(host).arg("true");
        c
    };
    async fn all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
        let mut futures: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
        std::future::poll_fn(|cx| {
            let mut ready = true;
            for (f, out) in &mut futures { if out.is_none() { match f.as_mut().poll(cx) { std::task::Poll::Ready(x) => *out = Some(x), _ => ready = false } } }
            if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        }).await;
        futures.into_iter().map(|(_, x)| x.unwrap()).collect()
    }
    let warm = settings("w");
    let addresses: Vec<Address> = hosts.iter().map(|h| address(h, &user)).collect();
    let open_all = |s: Settings| { let (agent, addresses, site) = (&agent, &addresses, site.path()); async move {
        let r = all(addresses.iter().map(|a| once(a, &s, agent, site)).collect()).await;
        r.into_iter().map(|r| r.unwrap().0).all(|k| k)
    }};
    open_all(warm.clone()).await;
    // one kept master per host for the yardstick
    for h in &hosts { let mut c = ssh(h); c.args(["-M"]); 
        let mut c2 = tokio::process::Command::new("ssh"); 
        c2.args(["-F","/dev/null","-o","IdentitiesOnly=yes","-i",&key,"-l",&user,"-o"]).arg(format!("UserKnownHostsFile={}", dir("known_hosts").display())).args(["-f","-N","-M","-o","ControlPersist=60","-S"]).arg(dir(&format!("k{h}"))).arg(h);
        assert!(c2.status().await.unwrap().success()); drop(c); }
    let mut times: [Vec<Duration>; 4] = Default::default();
    for i in 0..n {
        let t = Instant::now();
        all(hosts.iter().map(|h| { let mut c = ssh(h); async move { assert!(c.status().await.unwrap().success()) } }).collect()).await;
        times[0].push(t.elapsed());
        let t = Instant::now();
        assert!(!open_all(settings(&format!("c{i}"))).await);
        times[1].push(t.elapsed());
        let t = Instant::now();
        all(hosts.iter().map(|h| { let mut c = tokio::process::Command::new("ssh"); c.args(["-F","/dev/null","-S"]).arg(dir(&format!("k{h}"))).args(["-l", &user]).arg(h).arg("true"); async move { assert!(c.status().await.unwrap().success()) } }).collect()).await;
        times[2].push(t.elapsed());
        let t = Instant::now();
        assert!(open_all(warm.clone()).await);
        times[3].push(t.elapsed());
        // let the masters of this round go
        for e in std::fs::read_dir(dir(&format!("c{i}"))).unwrap() { let p = e.unwrap().path(); let _ = std::process::Command::new("ssh").arg("-S").arg(&p).args(["-O","exit","x"]).stderr(std::process::Stdio::null()).status(); }
    }
    for (name, mut t) in ["ssh cold","link cold","ssh kept","link kept"].iter().zip(times) { t.sort(); println!("{name:10} {:6.1?} [{:6.1?}, {:6.1?}]", t[t.len()/2], t[0], t[t.len()-1]); }
}
