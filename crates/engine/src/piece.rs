//! What of which file is sent in which message.

use std::sync::Arc;

use belay_model::Event;

use crate::classify::StatementKind;
use crate::script::{Chunk, Script};

/// A larger text is sent in runs of statements: the server parses a whole message before it runs the first.
const MESSAGE_BYTES: usize = 4 << 20;

/// Whole statements of a file.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) script: Arc<Script>,
    pub(crate) chunk: Chunk,
}

/// A file, cut where it must be.
pub(crate) fn pieces(script: &Arc<Script>) -> Vec<Piece> {
    let chunks = script.chunks(MESSAGE_BYTES).into_iter();
    chunks
        .map(|chunk| Piece {
            script: Arc::clone(script),
            chunk,
        })
        .collect()
}

/// The statements of a file that set something for the session.
pub(crate) fn settings(script: &Arc<Script>) -> Vec<Piece> {
    let statements = script.statements().iter().zip(script.kinds()).enumerate();
    statements
        .filter(|(_, (_, kind))| *kind == StatementKind::Session)
        .map(|(index, (statement, _))| Piece {
            script: Arc::clone(script),
            chunk: Chunk {
                bytes: statement.start..statement.end,
                statements: index..index + 1,
                is_copy: false,
            },
        })
        .collect()
}

/// A file with callbacks around each of its statements.
pub(crate) fn woven(script: &Arc<Script>, around: &[(Event, Arc<Script>)]) -> Vec<Piece> {
    let of = |before: bool| {
        let wanted = around
            .iter()
            .filter(move |(event, _)| is_before_statement(*event) == before);
        wanted.flat_map(|(_, callback)| pieces(callback))
    };
    let mut woven = Vec::new();
    for (index, statement) in script.statements().iter().enumerate() {
        woven.extend(of(true));
        woven.push(Piece {
            script: Arc::clone(script),
            chunk: Chunk {
                bytes: statement.start..statement.end,
                statements: index..index + 1,
                is_copy: statement.data.is_some(),
            },
        });
        woven.extend(of(false));
    }
    woven
}

fn is_before_statement(event: Event) -> bool {
    matches!(
        event,
        Event::BeforeEachMigrateStatement | Event::BeforeEachUndoStatement
    )
}

/// Whether all of them go in one message.
pub(crate) fn fit_one_message(pieces: &[Piece]) -> bool {
    let bytes: usize = pieces.iter().map(|piece| piece.chunk.bytes.len()).sum();
    bytes <= MESSAGE_BYTES && !pieces.iter().any(|piece| piece.chunk.is_copy)
}

/// Which pieces share a message: those in a row that fit into one, but for a COPY, which is by itself and never last. There
/// is always one message.
pub(crate) fn messages(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let is_copy = |message: &[Piece]| message.iter().any(|piece| piece.chunk.is_copy);
    let mut messages: Vec<Vec<Piece>> = Vec::new();
    let mut room = 0_usize;
    for piece in pieces {
        let bytes = piece.chunk.bytes.len();
        match messages.last_mut() {
            Some(last) if !piece.chunk.is_copy && !is_copy(last) && bytes <= room => last.push(piece),
            _ => {
                room = MESSAGE_BYTES;
                messages.push(vec![piece]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    if messages.last().is_none_or(|last| is_copy(last)) {
        messages.push(Vec::new());
    }
    messages
}
