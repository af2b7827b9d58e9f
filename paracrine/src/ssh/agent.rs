//! The user's ssh agent, which ssh waits for as long as it takes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Listing keys asks nobody: an agent does it at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// The question which keys there are: a length, and the number of the message.
const LIST: [u8; 5] = [0, 0, 0, 1, 11];

/// The agent of this process' environment, if it listens and does not answer.
pub(super) async fn that_is_silent() -> Option<PathBuf> {
    let agent = PathBuf::from(std::env::var_os("SSH_AUTH_SOCK")?);
    is_silent(&agent, PATIENCE).await.then_some(agent)
}

async fn is_silent(agent: &Path, patience: Duration) -> bool {
    let asked = async {
        let mut agent = UnixStream::connect(agent).await?;
        agent.write_all(&LIST).await?;
        agent.read_u8().await
    };
    // One that is not there or hangs up has answered, in its way: ssh does not wait for it.
    timeout(patience, asked).await.is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_agent_that_listens_and_says_nothing_is_silent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let soon = Duration::from_millis(50);
        assert!(!is_silent(&path, soon).await);
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        assert!(is_silent(&path, soon).await);
        drop(listener.accept().await);
        let answering = async {
            let (mut asking, _) = listener.accept().await.unwrap();
            asking.write_all(&[0, 0, 0, 5, 12, 0, 0, 0, 0]).await.unwrap();
            asking
        };
        let patient = Duration::from_secs(20);
        assert!(!tokio::join!(is_silent(&path, patient), answering).0);
        let hanging_up = async { drop(listener.accept().await) };
        assert!(!tokio::join!(is_silent(&path, patient), hanging_up).0);
    }
}
