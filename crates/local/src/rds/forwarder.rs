//! An endpoint: an address that leads to whichever server is behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

use super::settings::StaleAddresses;

/// An open endpoint. Dropping it cuts its connections.
#[derive(Debug)]
pub(super) struct Forwarder {
    accepting: JoinHandle<()>,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    to: u16,
    /// Where a client with an old answer of the name service still gets, and how often.
    before: Option<(u16, StaleAddresses)>,
    connections: Vec<AbortHandle>,
}

impl Line {
    /// Where the next connection goes.
    fn next(&mut self) -> u16 {
        match &mut self.before {
            Some((before, StaleAddresses::Connections(left))) if *left > 0 => {
                *left -= 1;
                *before
            }
            Some((before, StaleAddresses::UntilTold)) => *before,
            _ => self.to,
        }
    }
}

impl Forwarder {
    /// Listens at an address, and leads to a port of 127.0.0.1.
    pub(super) async fn open(at: SocketAddr, to: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let line = Arc::new(Mutex::new(Line {
            to,
            before: None,
            connections: Vec::new(),
        }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&line)));
        Ok(Self { accepting, line })
    }

    /// Leads to another server from now on, but for clients that remember the one before.
    pub(super) fn lead(&self, to: u16, stale: StaleAddresses) {
        let mut line = lock(&self.line);
        line.before = Some((line.to, stale));
        line.to = to;
    }

    /// No client remembers another server from now on.
    pub(super) fn refresh(&self) {
        lock(&self.line).before = None;
    }

    /// Cuts every connection.
    pub(super) fn cut(&self) {
        for connection in lock(&self.line).connections.drain(..) {
            connection.abort();
        }
    }

    /// Cuts every connection; when it returns nobody listens any more.
    pub(super) async fn close(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
        self.cut();
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, line: Arc<Mutex<Line>>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut line = lock(&line);
        let to = line.next();
        let connection = tokio::spawn(async move { drop(forward(client, to).await) }).abort_handle();
        line.connections.retain(|connection| !connection.is_finished());
        line.connections.push(connection);
    }
}

async fn forward(mut client: TcpStream, to: u16) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
