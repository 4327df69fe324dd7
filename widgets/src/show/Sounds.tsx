// Sounds, or other rows of numbers: the line, the spectrogram under it, and, come close, the samples themselves.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../core/Icon";
import { number } from "../core/format";
import { onEachResize } from "../core/theme";
import { aloud, inCell } from "./read";
import type { Sounds } from "./state";
import { loudest, paintSpectrum, paintWave, type Stretch } from "./wave";
import { stretched } from "./zoom";

const [WAVE, SPECTRUM] = [120, 150]; // CSS pixels, how tall they are
const LEAST = 12; // samples on the screen
const LISTED = 200; // samples in the table

export function SoundsView({ shown, theme }: { shown: Sounds; theme: Signal<number> }) {
  const index = useSignal(0);
  return (
    <div class="dlnb-sounds">
      {shown.count > 1 && (
        <label>
          Which{" "}
          <select value={index.value} onChange={(event) => (index.value = Number(event.currentTarget.value))}>
            {Array.from({ length: shown.count }, (_, i) => (
              <option key={i} value={i}>
                {i}
                {shown.labels ? `: ${shown.labels[i]}` : ""}
              </option>
            ))}
          </select>
        </label>
      )}
      <One key={index.value} shown={shown} index={index.value} theme={theme} />
      {shown.note && <p class="dlnb-quiet">{shown.note}</p>}
    </div>
  );
}

/** The number at a sample, with its time and the loudest pitch there, as they are read aloud. */
export function readAt(shown: Sounds, index: number, sample: number): string {
  const value = aloud(shown.values[index * shown.samples + sample]!, false);
  if (!shown.rate) return `place ${sample}: ${value}`;
  const spectrum = shown.spectra[index];
  const pitch = spectrum ? loudest(spectrum, sample) : null;
  const said = `${(sample / shown.rate).toFixed(4)} s, sample ${sample}: ${value}`;
  return pitch === null ? said : `${said}; loudest around it: ${number(pitch)} Hz`;
}

function One({ shown, index, theme }: { shown: Sounds; index: number; theme: Signal<number> }) {
  const { samples, rate } = shown;
  const box = useRef<HTMLElement>(null);
  const [wave, lower] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const stretch = useSignal<Stretch>({ begin: 0, length: samples });
  const at = useSignal<number | null>(null);
  const table = useSignal(false);
  const room = useSignal(600);
  const version = theme.value;
  const values = shown.values.subarray(index * samples, (index + 1) * samples);
  const spectrum = shown.spectra[index] ?? null;
  const { begin, length } = stretch.value;
  useEffect(() => (box.current ? onEachResize(box.current, (wide) => (room.value = wide)) : undefined), []);
  useEffect(() => {
    let top = 0;
    for (const value of values) if (Number.isFinite(value) && Math.abs(value) > top) top = Math.abs(value);
    if (wave.current) paintWave(wave.current, values, stretch.value, top, room.value, WAVE);
    if (lower.current && spectrum) paintSpectrum(lower.current, spectrum, stretch.value, room.value, SPECTRUM);
  }, [values.byteOffset, shown, stretch.value, room.value, version]);

  const middle = () => Math.floor(begin + length / 2);
  const zoom = (share: number) => {
    const [from, long] = stretched(begin, length, at.value ?? middle(), share, samples, LEAST);
    stretch.value = { begin: from, length: long };
  };
  const move = (to: number) => {
    const sample = Math.max(0, Math.min(samples - 1, to));
    at.value = sample;
    if (sample < begin) stretch.value = { begin: sample, length };
    if (sample >= begin + length) stretch.value = { begin: sample - length + 1, length };
  };
  const step = Math.max(1, Math.round(length / 100));
  const actions: Record<string, () => void> = {
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    "0": () => (stretch.value = { begin: 0, length: samples }),
    Escape: () => (stretch.value = { begin: 0, length: samples }),
    t: () => (table.value = !table.value),
    p: () => play(values, rate),
    ArrowLeft: () => move((at.value ?? middle()) - step),
    ArrowRight: () => move((at.value ?? middle()) + step),
    Home: () => move(begin),
    End: () => move(begin + length - 1),
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLButtonElement || !actions[event.key]) return;
    actions[event.key]!();
    event.preventDefault();
    event.stopPropagation();
  };
  const point = (event: PointerEvent | MouseEvent) => {
    const frame = (event.currentTarget as Element).getBoundingClientRect();
    return Math.max(0, Math.min(samples - 1, begin + Math.floor(((event.clientX - frame.left) / frame.width) * length)));
  };
  const common = {
    onPointerMove: (event: PointerEvent) => (at.value = point(event)),
    onClick: (event: MouseEvent) => {
      at.value = point(event);
      zoom(0.5);
    },
  };
  const isWhole = length === samples;
  const cursor = at.value !== null && at.value >= begin && at.value < begin + length ? at.value : null;
  const time = (sample: number) => (rate ? `${(sample / rate).toFixed(length / rate > 0.1 ? 2 : 4)} s` : String(sample));
  return (
    <figure class="dlnb-stage" ref={box} onKeyDown={press}>
      <div class="dlnb-row">
        {rate !== null && (
          <button type="button" aria-keyshortcuts="p" onClick={() => play(values, rate)}>
            <Icon name="play" /> Play
          </button>
        )}
        <button type="button" aria-keyshortcuts="+" disabled={length <= LEAST} onClick={() => zoom(0.5)}>
          Closer
        </button>
        <button type="button" aria-keyshortcuts="-" disabled={isWhole} onClick={() => zoom(2)}>
          Further
        </button>
        <button type="button" aria-keyshortcuts="0" disabled={isWhole} onClick={actions["0"]}>
          Whole
        </button>
        <button type="button" aria-keyshortcuts="t" aria-pressed={table.value} onClick={actions["t"]}>
          Table
        </button>
      </div>
      <div class="dlnb-waves">
        <canvas
          ref={wave}
          style={{ height: `${WAVE}px` }}
          tabIndex={0}
          role="application"
          aria-label={`${rate ? "The sound" : "The numbers"}${shown.labels ? `, ${shown.labels[index]}` : ""}, ${samples} ${rate ? "samples" : "of them"}. Arrow keys read them, plus and minus zoom, 0 shows the whole, t shows a table.`}
          {...common}
        />
        {spectrum && <canvas ref={lower} style={{ height: `${SPECTRUM}px` }} role="img" aria-label="Spectrogram: time runs to the right, low pitches are below." {...common} />}
        {cursor !== null && <i class="dlnb-line" style={{ left: `${(100 * (cursor - begin + 0.5)) / length}%` }} />}
      </div>
      <p class="dlnb-axis dlnb-quiet">
        <span>{time(begin)}</span>
        {spectrum && <span>pitches from 0 to {number((spectrum.step * (spectrum.bins - 1)) / 1000)} kHz, yellow is loud</span>}
        <span>{time(begin + length)}</span>
      </p>
      <output class="dlnb-point" aria-live="polite">
        {cursor === null ? "Come closer until you see the samples: click, or press +." : readAt(shown, index, cursor)}
      </output>
      {table.value && (
        <div class="dlnb-scroll" tabIndex={0} role="group" aria-label="The numbers as a table">
          <table>
            <thead>
              <tr>
                <th scope="col">{rate ? "sample" : "place"}</th>
                <th scope="col">number</th>
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: Math.min(LISTED, length) }, (_, i) => (
                <tr key={i}>
                  <th scope="row">{begin + i}</th>
                  <td>{inCell(values[begin + i]!, false)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {length > LISTED && <p class="dlnb-quiet">The first {LISTED} of those on the screen; come closer for the others.</p>}
        </div>
      )}
    </figure>
  );
}

let playing: AudioBufferSourceNode | null = null;

/** Play a sound as loud as it is, at most full; what was playing stops. */
function play(values: Float32Array, rate: number | null): void {
  if (rate === null || rate < 3000 || rate > 384_000) return;
  playing?.stop();
  const context = new AudioContext();
  const sound = context.createBuffer(1, values.length, rate);
  sound.copyToChannel(values.map((value) => (Number.isFinite(value) ? Math.max(-1, Math.min(1, value)) : 0)), 0);
  playing = new AudioBufferSourceNode(context, { buffer: sound });
  playing.connect(context.destination);
  playing.onended = () => void context.close();
  playing.start();
}
