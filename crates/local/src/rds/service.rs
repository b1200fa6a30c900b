//! The service behind the port: from a connection's request to its answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;
use url::form_urlencoded;

use super::answer;
use super::fault::{Faults, RdsRequest, Spoiled};
use super::http::{Connection, Post};
use super::model::Model;
use super::query;
use super::refusal::Refusal;
use super::settings::Pace;
use super::world::World;

/// How often it is looked whether time has ended something.
const TICK: Duration = Duration::from_millis(10);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) model: &'static Model,
    pub(super) world: AsyncMutex<World>,
    pub(super) faults: Mutex<Faults>,
    pub(super) requests: Mutex<Vec<RdsRequest>>,
}

/// What a client gets.
enum Reply {
    Answer { status: u16, body: String },
    Cut,
}

impl Service {
    /// Serves everybody who connects.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, client)) = listener.accept().await {
            tokio::spawn(Arc::clone(&self).attend(stream, client.port()));
        }
    }

    /// Does what time alone brings about.
    pub(super) async fn tick(self: Arc<Self>) {
        loop {
            sleep(TICK).await;
            if matches!(self.pace().await, Pace::Time(_)) {
                self.advance().await;
            }
        }
    }

    async fn pace(&self) -> Pace {
        self.world.lock().await.settings.pace
    }

    /// Does all that is due.
    async fn advance(&self) {
        loop {
            let due = self.world.lock().await.due();
            let Some(due) = due else { return };
            let made = due.work().await;
            self.world.lock().await.end(due, made).await;
        }
    }

    async fn attend(self: Arc<Self>, stream: TcpStream, client_port: u16) {
        // A client that speaks no HTTP is hung up on.
        let _ = stream.set_nodelay(true);
        let mut connection = Connection::new(stream, client_port);
        while let Ok(Some(post)) = connection.next().await {
            let id = self.next_id();
            match self.reply(&post, &id).await {
                Reply::Answer { status, body } => {
                    if connection.answer(status, &id, &body).await.is_err() {
                        return;
                    }
                }
                Reply::Cut => return,
            }
        }
    }

    /// The requests' numbers, written as RDS writes its ids.
    fn next_id(&self) -> String {
        format!("00000000-0000-0000-0000-{:012}", lock(&self.requests).len() + 1)
    }

    async fn reply(&self, post: &Post, id: &str) -> Reply {
        let fields: Vec<(String, String)> = form_urlencoded::parse(&post.body).into_owned().collect();
        let number = self.note(&fields, post);
        let result = self.carry_out(&fields, id).await;
        let (refused, reply) = match result {
            Ok(body) => (None, Reply::Answer { status: 200, body }),
            Err(Spoiled::Cut) => (Some("connection cut".to_owned()), Reply::Cut),
            Err(Spoiled::Error(refusal)) => {
                let status = self.model.status_of(&refusal.code);
                let body = answer::failure(&refusal, status, id);
                (Some(refusal.code), Reply::Answer { status, body })
            }
        };
        if let Some(request) = lock(&self.requests).get_mut(number) {
            request.refused = refused;
        }
        reply
    }

    /// Notes a request; its place among the requests.
    fn note(&self, fields: &[(String, String)], post: &Post) -> usize {
        let action = fields.iter().find(|(name, _)| name == "Action");
        let parameters = fields.iter().filter(|(name, _)| name != "Action" && name != "Version");
        let mut requests = lock(&self.requests);
        requests.push(RdsRequest {
            action: action.map_or_else(String::new, |(_, action)| action.clone()),
            parameters: parameters.cloned().collect(),
            access_key: post.access_key.clone(),
            client_port: post.client_port,
            refused: None,
        });
        requests.len() - 1
    }

    async fn carry_out(&self, fields: &[(String, String)], id: &str) -> Result<String, Spoiled> {
        let query = query::read(self.model, fields)?;
        let fault = lock(&self.faults).meet(&query);
        let (before, after) = match fault {
            Some(fault) if fault.after_effect => (None, Some(fault)),
            other => (other, None),
        };
        if let Some(fault) = before {
            fault.strike().await?;
        }
        // Where looks count, a request finds all done that they brought about.
        if matches!(self.pace().await, Pace::Looks(_)) {
            self.advance().await;
        }
        let content = self.world.lock().await.answer(&query).await;
        if self.pace().await == Pace::Looks(0) {
            self.advance().await;
        }
        // A refusal is lost as well.
        if let Some(fault) = after {
            fault.strike().await?;
        }
        Ok(answer::success(self.model, &query.action, id, &content?)?)
    }
}

impl From<Refusal> for Spoiled {
    fn from(refusal: Refusal) -> Self {
        Self::Error(refusal)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
