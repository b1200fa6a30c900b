//! Events at which Belay runs no callback.

use belay_model::Event;

/// Why a callback of this event never runs here; nothing if it does.
pub(crate) fn why(event: Event) -> Option<&'static str> {
    match event {
        Event::BeforeConnect => Some("it would run before Belay has a connection"),
        Event::BeforeValidate
        | Event::AfterValidate
        | Event::AfterValidateError
        | Event::AfterValidateOperationFinish
        | Event::BeforeInfo
        | Event::AfterInfo
        | Event::AfterInfoError
        | Event::AfterInfoOperationFinish => Some("Belay only reads when it validates or informs"),
        Event::BeforeClean | Event::AfterClean | Event::AfterCleanError | Event::AfterCleanOperationFinish => {
            Some("Belay has no `clean`")
        }
        Event::BeforeDeploy | Event::AfterDeploy | Event::AfterDeployError | Event::AfterDeployOperationFinish => {
            Some("Belay has no `deploy`")
        }
        Event::AfterConnect
        | Event::BeforeCreateSchema
        | Event::CreateSchema
        | Event::BeforeMigrate
        | Event::BeforeEachMigrate
        | Event::BeforeEachMigrateStatement
        | Event::AfterEachMigrateStatement
        | Event::AfterEachMigrateStatementError
        | Event::AfterEachMigrate
        | Event::AfterEachMigrateError
        | Event::AfterVersioned
        | Event::BeforeRepeatables
        | Event::AfterMigrate
        | Event::AfterMigrateApplied
        | Event::AfterMigrateError
        | Event::AfterMigrateOperationFinish
        | Event::BeforeUndo
        | Event::BeforeEachUndo
        | Event::BeforeEachUndoStatement
        | Event::AfterEachUndoStatement
        | Event::AfterEachUndoStatementError
        | Event::AfterEachUndo
        | Event::AfterEachUndoError
        | Event::AfterUndo
        | Event::AfterUndoError
        | Event::AfterUndoOperationFinish
        | Event::BeforeBaseline
        | Event::AfterBaseline
        | Event::AfterBaselineError
        | Event::AfterBaselineOperationFinish
        | Event::BeforeRepair
        | Event::AfterRepair
        | Event::AfterRepairError
        | Event::AfterRepairOperationFinish => None,
    }
}
