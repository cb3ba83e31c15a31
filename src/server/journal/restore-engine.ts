import { HyperloomError } from "../../core/model/errors.ts";
import { finishRestore } from "../../core/scheduler/restore/finish-restore.ts";
import { restoreRecord } from "../../core/scheduler/restore/restore.ts";
import { RestoreError } from "../../core/scheduler/restore/restore-error.ts";
import { createRestore, type Restore } from "../../core/scheduler/restore/restore-state.ts";
import { decodeClientRequest } from "../../protocol/client/client-request.ts";
import type { PlanContext } from "../../protocol/client/plan-context.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { decodeKeptClient } from "../clients/kept-clients.ts";
import { putNamedPlan } from "../clients/named-plans.ts";
import type { Engine } from "../engine.ts";
import type { OpenedJournal } from "./open-journal.ts";

/** How long the workers of before may take to come back until what they had is given to others. */
export const RECOVERY_MS = 10_000;

/**
 * Makes of the journal what the engine, which is fresh, must know; then the journal is written to.
 * Rejects with a HyperloomError for a journal that makes no sense.
 */
export async function restoreEngine(engine: Engine, opened: OpenedJournal): Promise<void> {
  const { state, symbols, log } = engine;
  const restore = createRestore(state);
  const planContext: PlanContext = {
    resolveSymbol: symbols.intern,
    isTaskType: symbols.isTaskType,
    isResource: symbols.isResource,
  };
  try {
    const { recordCount, nextId, nextSerial } = await opened.read((record) => {
      if (record.kind === "symbols-named") {
        symbols.restore(record.firstId, record.names);
        return;
      }
      if (record.kind !== "plan-accepted") {
        restoreRecord(restore, record, undefined);
        return;
      }
      const request = decodeClientRequest(record.frame, planContext);
      restoreRecord(restore, record, "plan" in request ? request.plan : undefined);
    });
    finishRestore(restore, performance.now(), RECOVERY_MS);
    engine.ids.next = Math.max(nextId, restore.nextId);
    state.nextSerial = Math.max(nextSerial, state.nextSerial);
    restoreClients(engine, restore);
    engine.journal = await startJournal(engine, opened);
    if (recordCount > 0) {
      log("info", "journal read", {
        records: recordCount,
        clients: restore.clients.size,
        plans: new Set(state.plans.values()).size,
        tasks: state.tasks.liveCount,
        workers: restore.workers.size,
      });
    }
  } catch (error) {
    if (!(error instanceof RestoreError || error instanceof ProtocolError)) throw error;
    throw new HyperloomError(
      "journal-unusable",
      `The records of the journal do not fit together (${error.message}). Name another directory by --journal and submit the plans again.`,
      { cause: error },
    );
  }
}

function restoreClients(engine: Engine, { clients, failures }: Restore): void {
  for (const { clientId, session } of clients.values()) {
    const kept = decodeKeptClient(session);
    if (kept.kind === "session") {
      engine.sessionKeys.restore(clientId, kept.secret);
      continue;
    }
    const entry = putNamedPlan(engine, clientId, kept.plan);
    entry.failure = failures.find((failure) => failure.clientId === clientId)?.told.failure.message;
  }
}

function startJournal(engine: Engine, opened: OpenedJournal): ReturnType<OpenedJournal["start"]> {
  const { state, symbols } = engine;
  return opened.start({
    beginning: () => {
      const { names, firstId } = symbols.added();
      const ceiling = state.journal?.ceiling ?? 0;
      return {
        records: [
          { kind: "attempts-reserved", ceiling: Math.max(ceiling, state.tasks.newestAttempt) },
          ...(names.length > 0 ? [{ kind: "symbols-named" as const, firstId, names }] : []),
        ],
        nextId: engine.ids.next,
        nextSerial: state.nextSerial,
      };
    },
    onFlushed: (recordCount) => engine.step({ kind: "records-flushed", recordCount }),
  });
}
