//! Owns a server, an emulator and a double of RDS, says their process groups, and waits to be killed: a test looks at what is left then.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a part of a test")]

use belay_local::{Emulator, Postgres, Rds, RdsSettings, Settings};

#[tokio::main]
async fn main() {
    let mut postgres = Postgres::start(Settings::default()).await.unwrap();
    postgres.down();
    postgres.up().await.unwrap();
    let emulator = Emulator::default().start().await.unwrap();
    let client = postgres.connect(postgres.app(), "postgres").await.unwrap();
    let rds = Rds::start(RdsSettings::default()).await.unwrap();
    let instance = rds.new_instance("shop", Settings::default(), Default::default()).await;
    println!(
        "started {} {} {}",
        postgres.process_group(),
        emulator.process_group(),
        instance.unwrap().process_group().unwrap()
    );
    client.batch_execute("SELECT pg_sleep(600)").await.unwrap();
}
