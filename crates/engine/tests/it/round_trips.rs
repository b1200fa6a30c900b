//! How often Plan waits for the server: what a run with nothing to do costs far from its database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{World, bundle};

/// What the server says when it waits for the first question.
const READY: &[u8] = b"Z\0\0\0\x05I";
/// What a client says that leaves.
const GOODBYE: &[u8] = b"X\0\0\0\x04";

/// What has been heard on one connection.
#[derive(Default)]
struct Heard {
    connected: AtomicU32,
    server_spoke: AtomicU32,
    /// How often the client spoke after the server had, once it was connected.
    turns: AtomicU32,
}

impl Heard {
    fn client_said(&self, bytes: &[u8]) {
        if self.connected.load(Ordering::SeqCst) == 1
            && bytes != GOODBYE
            && self.server_spoke.swap(0, Ordering::SeqCst) == 1
        {
            self.turns.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn server_said(&self, bytes: &[u8]) {
        self.server_spoke.store(1, Ordering::SeqCst);
        if bytes.ends_with(READY) {
            self.connected.store(1, Ordering::SeqCst);
        }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        heard(&buffer[..length]);
        to.write_all(&buffer[..length]).await.unwrap();
    }
}

/// Passes one connection on to the server. The port, and what is heard.
async fn forwarder(server: u16) -> (u16, Arc<Heard>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Heard::default());
    let ears = Arc::clone(&heard);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let to = pass(from_client, to_server, |bytes| ears.client_said(bytes));
        let back = pass(from_server, to_client, |bytes| ears.server_said(bytes));
        tokio::join!(to, back);
    });
    (port, heard)
}

/// How often a plan of these files waits, and how much it finds to do.
async fn turns(world: &World, files: &[(&str, &str)]) -> (u32, usize) {
    let (port, heard) = forwarder(world.postgres.port()).await;
    let mut world = world.clone();
    world.connect.endpoint.port = port;
    let pending = world.plan(&bundle(files)).await.unwrap().plan.pending();
    (heard.turns.load(Ordering::SeqCst), pending)
}

#[tokio::test]
async fn nothing_to_do_takes_two_round_trips_and_a_plan_three() {
    let world = World::new().await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (b int)"),
        ("V2__b.sql", "CREATE TABLE b (b int)"),
        ("R__r.sql", "select 1;"),
        ("beforeMigrate.sql", "select 1;"),
    ];
    assert_eq!(turns(&world, &files).await, (3, 3));
    world.shipped(&files).await;
    assert_eq!(turns(&world, &files).await, (2, 0));
    let more = [&files[..], &[("V3__c.sql", "select 1;")]].concat();
    assert_eq!(turns(&world, &more).await, (3, 1));
}
