// The quiz of a chapter; `dlnb/widgets/quiz.py` is its half in the kernel, which alone knows what is right.
// Native fieldsets, radio buttons and check boxes: every browser and screen reader knows their keys.
import type { RenderProps } from "@anywidget/types";
import { useSignal } from "@preact/signals";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { mount } from "../core/mount";
import quizStyle from "./quiz.css";
import { judged, type Question, type QuizFrame, QuizState, summary, verdict } from "./state";

export type Send = (kind: string, content?: object) => void;
interface QuizProps {
  state: QuizState;
  send: Send;
  /** Begins the ids and names of this view: the same quiz may be shown twice on a page. */
  name: string;
}

export function Quiz({ state, send, name }: QuizProps) {
  const questions = state.questions.value;
  const score = state.score.value;
  return (
    <section class="dlnb-quiz" aria-label={`Quiz of chapter ${state.chapter.value}`}>
      {state.silent.value && (
        <p class="dlnb-notice" role="status">
          The kernel does not answer: it is busy, restarting or gone. Wait, or run this cell again.
        </p>
      )}
      {state.notice.value && (
        <p class="dlnb-notice" role="status">
          {state.notice.value}
        </p>
      )}
      {questions ? (
        questions.map((question, place) => (
          <Asked key={question.id} question={question} place={place} count={questions.length} state={state} send={send} name={`${name}-${place}`} />
        ))
      ) : (
        <p role="status">Waiting for the questions …</p>
      )}
      {questions && (
        <div class="dlnb-score">
          <p role="status">{summary(score)}</p>
          {score.answered > 0 && (
            <button type="button" data-action="restart" onClick={() => send("restart")}>
              Begin again
            </button>
          )}
        </div>
      )}
    </section>
  );
}

interface AskedProps extends QuizProps {
  question: Question;
  place: number;
  count: number;
}

function Asked({ question, place, count, state, send, name }: AskedProps) {
  const answer = state.answer(question.id);
  const empty = useSignal(false);
  const isWaiting = state.waiting.value.has(question.id);
  const said = answer.given ? verdict(answer) : null;

  const choose = (choice: number, taken: boolean) => {
    empty.value = false;
    send("choose", { question: question.id, chosen: state.choose(question, choice, taken) });
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (isWaiting) return;
    if (answer.given) {
      send("again", { question: question.id });
      return;
    }
    empty.value = answer.chosen.length === 0;
    if (empty.value) return;
    state.await(question.id);
    send("answer", { question: question.id, chosen: answer.chosen });
  };
  const press = (event: KeyboardEvent) => {
    // A key that is held down would check and take back by turns.
    if (event.key === "Enter" && event.repeat) event.preventDefault();
  };
  return (
    <form class="dlnb-asked" data-question={question.id} data-verdict={said ? (said.right ? "right" : "wrong") : "none"} noValidate onSubmit={submit} onKeyDown={press}>
      <fieldset aria-describedby={question.more ? `${name}-more` : undefined}>
        <legend>
          <span class="dlnb-quiet dlnb-place">
            Question {place + 1} of {count}.{" "}
          </span>
          <span dangerouslySetInnerHTML={{ __html: question.text }} />
          {question.several && <span class="dlnb-quiet"> Choose all that are right.</span>}
        </legend>
        {question.more && <div id={`${name}-more`} class="dlnb-more" dangerouslySetInnerHTML={{ __html: question.more }} />}
        {question.choices.map((choice, at) => {
          const isRight = answer.right?.includes(at) ?? false;
          const isChosen = answer.chosen.includes(at);
          const why = answer.given ? answer.whys?.[at] : undefined;
          return (
            <div key={at} class={`dlnb-choice${why === undefined ? "" : isRight ? " dlnb-is-right" : " dlnb-is-wrong"}${isChosen ? " dlnb-is-chosen" : ""}`}>
              <label>
                <input
                  type={question.several ? "checkbox" : "radio"}
                  name={name}
                  value={at}
                  checked={isChosen}
                  disabled={answer.given}
                  aria-describedby={why === undefined ? undefined : `${name}-why-${at}`}
                  onChange={(event) => choose(at, event.currentTarget.checked)}
                />
                <span dangerouslySetInnerHTML={{ __html: choice }} />
              </label>
              {why !== undefined && (
                <div id={`${name}-why-${at}`} class="dlnb-why">
                  <p class="dlnb-judged">
                    <span aria-hidden="true">{isRight ? "✓" : "✗"}</span> {judged(isRight, isChosen)}
                  </p>
                  <div dangerouslySetInnerHTML={{ __html: why }} />
                </div>
              )}
            </div>
          );
        })}
      </fieldset>
      <div class="dlnb-row">
        {/* One button, so that the focus stays where it is when the answer comes. */}
        <button type="submit" data-action={answer.given ? "again" : "answer"} aria-disabled={isWaiting}>
          {answer.given ? "Try again" : "Check"}
        </button>
        <p class="dlnb-verdict" role="status">
          {isWaiting && "…"}
          {!isWaiting && empty.value && (question.several ? "Choose at least one." : "Choose one first.")}
          {said && (
            <>
              <span aria-hidden="true">{said.right ? "✓" : "✗"}</span> <strong>{said.words}</strong> <span class="dlnb-quiet">Under each choice stands why.</span>
            </>
          )}
        </p>
      </div>
    </form>
  );
}

let views = 0;

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, quizStyle], (root) => {
    const state = new QuizState();
    const expecting = () => state.questions.value === null || state.waiting.value.size > 0;
    const channel = new Channel<QuizFrame>(
      model,
      root,
      (frame) => state.receive(frame),
      expecting,
      (silent) => (state.silent.value = silent),
    );
    const send: Send = (kind, content) => channel.send(kind, content);
    return [<Quiz state={state} send={send} name={`dlnb-quiz-${++views}-${Math.random().toString(36).slice(2, 8)}`} />, () => channel.close()];
  });
}

export default { render };
