//! Ctrl-C.

use tokio::sync::{mpsc, watch};

use crate::event::{Event, Urgency};

/// The first Ctrl-C (or `kill`) stops after the task at hand, the second at once.
pub(super) async fn listen(interrupt: watch::Sender<Option<Urgency>>, events: mpsc::UnboundedSender<Event>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut typed), Ok(mut killed)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Then the system's own way to end a program has to do.
        return std::future::pending().await;
    };
    for urgency in [Urgency::AfterTask, Urgency::AtOnce] {
        tokio::select! {
            _ = typed.recv() => {}
            _ = killed.recv() => {}
        }
        let _ = events.send(Event::Interrupted(urgency));
        interrupt.send_replace(Some(urgency));
    }
    std::future::pending().await
}
