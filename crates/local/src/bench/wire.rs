//! A line to the database that is as long as one to a server elsewhere: everything arrives later, and how often a client
//! waits for an answer is counted.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What a server says last when it is ready for the first request, and for every other one: the message, its length, and
/// then one byte.
const READY: [u8; 5] = [b'Z', 0, 0, 0, 5];

/// What a client says last. It waits for no answer.
const GOODBYE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// An open line. Dropping it lets nobody new on it.
pub(super) struct Wire {
    port: u16,
    turns: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

impl Wire {
    /// From a new port to a port of this machine; `delay` for each way.
    pub(super) fn open(to: u16, delay: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let (turns, closed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, is_closed) = (Arc::clone(&turns), Arc::clone(&closed));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_closed.load(Ordering::Relaxed) {
                    break;
                }
                // A client that can't be served finds out by itself.
                let _ = connect(client, to, delay, &count);
            }
        });
        Ok(Self { port, turns, closed })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// How often clients asked and waited since the last call, once they were logged in.
    pub(super) fn turns(&self) -> u64 {
        self.turns.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // It waits for the next one to come.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One connection's state: who spoke last, and whether it is past the login.
#[derive(Default)]
struct Talk {
    server_spoke: AtomicBool,
    logged_in: AtomicBool,
}

fn connect(client: TcpStream, to: u16, delay: Duration, turns: &Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", to))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let talk = Arc::new(Talk::default());
    let (heard, turns) = (Arc::clone(&talk), Arc::clone(turns));
    carry(client.try_clone()?, server.try_clone()?, delay, move |said| {
        let answered = talk.server_spoke.swap(false, Ordering::Relaxed);
        if answered && talk.logged_in.load(Ordering::Relaxed) && *said != GOODBYE {
            turns.fetch_add(1, Ordering::Relaxed);
        }
    });
    carry(server, client, delay, move |said| {
        let ready = said.len().checked_sub(READY.len() + 1).and_then(|at| said.get(at..));
        if ready.is_some_and(|end| end.starts_with(&READY)) {
            heard.logged_in.store(true, Ordering::Relaxed);
        }
        heard.server_spoke.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Everything that is said on one side arrives on the other after the delay; what is under way does not hold up what
/// follows. `hears` is told when it is said.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration, hears: impl Fn(&[u8]) + Send + 'static) {
    let (sender, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let said = buffer.get(..length).unwrap_or_default();
            hears(said);
            if sender.send((Instant::now() + delay, said.to_owned())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, said) in under_way {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&said).is_err() {
                break;
            }
        }
        // The other side may have gone already.
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_waits_for_after_its_login_is_counted() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let wire = Wire::open(listener.local_addr().unwrap().port(), Duration::from_millis(5)).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut byte = [0];
            for answer in ["R", "Z\0\0\0\u{5}I", "one", "two"] {
                stream.read_exact(&mut byte).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            rest
        });
        let start = Instant::now();
        let mut client = TcpStream::connect(("127.0.0.1", wire.port())).unwrap();
        for answer in ["R", "Z\0\0\0\u{5}I", "one", "two"] {
            client.write_all(b"?").unwrap();
            let mut heard = vec![0; answer.len()];
            client.read_exact(&mut heard).unwrap();
            assert_eq!(heard, answer.as_bytes());
        }
        // Four answers, each after two ways.
        assert!(start.elapsed() >= Duration::from_millis(40));
        client.write_all(&GOODBYE).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.join().unwrap(), GOODBYE);
        // Neither the login nor the goodbye.
        assert_eq!((wire.turns(), wire.turns()), (2, 0));
    }
}
