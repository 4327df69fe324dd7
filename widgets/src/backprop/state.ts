// What the graph shows, as signals. `receive` applies one frame of `dlnb/widgets/backprop/frames.py`.
import { computed, signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import { number } from "../core/format";
import type { Column } from "../core/frame";

/** Where the numbers of a tensor lie in the column `numbers`: low, high, norm, then its first values. */
export interface Place {
  at: number;
  shown: number;
  size: number;
  shape: string;
}
export interface Output {
  value: Place | null;
  shape: string;
  worked: boolean;
  arrived: Place | null;
}
export interface Box {
  kind: "leaf" | "node" | "fold" | "outside";
  nodes: number;
  fold: string;
  note: string;
  title: string;
  name: string;
  autograd: string;
  formula: string;
  end: string;
  outputs: Output[];
  results: number;
  constants: { letter: string; name: string; value: Place | null }[];
}
export interface Road {
  from: number;
  to: number;
  lane: number;
  count: number;
  letter: string;
  /** What goes along the road, and what it is called. */
  name: string;
  value: Place | null;
  way: string;
  note: string;
  factor: Place | null;
  left: Place | null;
}
export interface BackpropFrame extends Frame {
  nodes: number;
  leaves: number;
  loss: string;
  part: string;
  notice: string;
  boxes: Box[];
  roads: Road[];
}
export interface Scene extends Pick<BackpropFrame, "nodes" | "leaves" | "loss" | "part" | "notice" | "boxes" | "roads"> {
  numbers: Float32Array;
  /** Of each box: its column, from 0, and its row. */
  places: [column: number, row: number][];
  /** Of each road: the places it goes through between its ends. */
  bends: [column: number, row: number][][];
  /** Boxes in the order of the steps. */
  forward: number[];
  backward: number[];
}

/** A piece of a sentence: words, or the numbers of a tensor. */
export type Part = string | Place;

const FEW = 4; // numbers that are written out in a sentence

export class BackpropState {
  readonly scene = signal<Scene | null>(null);
  /** Steps done: first those of the forward pass, then those of the backward pass. */
  readonly step = signal(0);
  /** Whether a picture is on its way, and whether the kernel has said nothing for longer than it should. */
  readonly waiting = signal(true);
  readonly silent = signal(false);

  readonly last = computed(() => (this.scene.value ? this.scene.value.forward.length + this.scene.value.backward.length : 0));
  /** The box of the newest step, and the pass it belongs to; null before the first step. */
  readonly current = computed(() => {
    const scene = this.scene.value;
    const step = this.step.value;
    if (!scene || step === 0) return null;
    const forward = scene.forward.length;
    return step <= forward ? { box: scene.forward[step - 1]!, back: false } : { box: scene.backward[step - forward - 1]!, back: true };
  });

  private readonly left = new Map<string, number>(); // of each part that was left, the step

  receive(frame: BackpropFrame, columns: Map<string, Column>): void {
    this.waiting.value = false;
    const list = (name: string): number[] => Array.from(columns.get(name) ?? []);
    const [places, rows, ways, heights] = [list("columns"), list("rows"), list("bends/columns"), list("bends/rows")];
    let start = 0;
    const before = this.scene.value;
    const scene: Scene = {
      ...frame,
      numbers: (columns.get("numbers") as Float32Array) ?? new Float32Array(),
      places: places.map((column, i) => [column, rows[i]!]),
      bends: list("bends/counts").map((count) => {
        start += count;
        return Array.from({ length: count }, (_, i) => [ways[start - count + i]!, heights[start - count + i]!]);
      }),
      forward: list("forward"),
      backward: list("backward"),
    };
    this.scene.value = scene;
    if (before?.part === scene.part) return;
    if (before) this.left.set(before.part, this.step.value);
    // The cell has made the forward pass already: the way back begins.
    this.step.value = this.left.get(scene.part) ?? scene.forward.length;
  }

  go(step: number): void {
    this.step.value = Math.max(0, Math.min(this.last.value, step));
  }

  /** Go to the step of a box, in the pass that is on; a leaf has one in the backward pass only. */
  visit(box: number): void {
    const scene = this.scene.value!;
    const forward = scene.forward.indexOf(box);
    const back = scene.backward.indexOf(box);
    if (forward >= 0 && (back < 0 || this.step.value <= scene.forward.length)) this.go(forward + 1);
    else if (back >= 0) this.go(scene.forward.length + back + 1);
  }

  /** Whether the value of a box is there at this step. */
  hasValue(box: number): boolean {
    const { forward } = this.scene.value!;
    const place = this.comesAfter(box) ? forward.length - 1 : forward.indexOf(box);
    return place < this.step.value; // what is in no step was there from the beginning
  }

  /** Whether the gradient has arrived at a box. */
  hasGradient(box: number): boolean {
    const { forward, backward, boxes } = this.scene.value!;
    const done = this.step.value - forward.length;
    if (boxes[box]!.kind === "outside") return done > 0 && this.comesAfter(box);
    return backward.indexOf(box) < done;
  }

  /** Whether a box stands for what uses the part that is shown. */
  private comesAfter(box: number): boolean {
    const { boxes, roads } = this.scene.value!;
    return boxes[box]!.kind === "outside" && !roads.some((road) => road.from === box);
  }

  /** What a road comes from, and a gradient goes to. */
  source(road: Road): string {
    const box = this.scene.value!.boxes[road.from]!;
    return road.name || box.name || box.title;
  }

  /** The values of a tensor that were sent. */
  values({ at, shown }: Place): Float32Array {
    return this.scene.value!.numbers.subarray(at + 3, at + 3 + shown);
  }

  /** A tensor in few words: its numbers, or where they lie. */
  few(place: Place | null): string {
    if (!place) return "–";
    const values = this.values(place);
    if (place.size === 1) return say(values[0]!);
    if (place.size <= FEW) return `[${Array.from(values, say).join(", ")}]`;
    const [low, high] = this.bounds(place);
    return `${place.shape} from ${say(low)} to ${say(high)}`;
  }

  /** The same for a place with room for so many letters; the shape stands elsewhere. */
  brief(place: Place, letters: number): string {
    const few = this.few(place);
    return place.size <= FEW && few.length <= letters ? few : this.bounds(place).map(say).join(" … ");
  }

  /** The smallest and the largest number of a tensor. */
  private bounds({ at }: Place): [number, number] {
    const { numbers } = this.scene.value!;
    return [numbers[at]!, numbers[at + 1]!];
  }

  /** Whether a tensor is below zero as a whole (−1), above (1), or neither (0): its colour. */
  sign(place: Place | null): number {
    if (!place) return 0;
    const [low, high] = this.bounds(place);
    if (low >= 0 && high > 0) return 1;
    return high <= 0 && low < 0 ? -1 : 0;
  }

  /** What happens at this step, sentence by sentence. */
  told(): Part[][] {
    const scene = this.scene.value;
    const now = this.current.value;
    if (!scene) return [["Waiting for the graph."]];
    if (!now) return [["Before the first step: only what you have given is known."]];
    const box = scene.boxes[now.box]!;
    return now.back ? this.goesBack(now.box, box) : this.goesForward(now.box, box);
  }

  /** The same as text, for a screen reader. */
  summary(): string {
    const scene = this.scene.value;
    if (!scene) return "Waiting for the graph.";
    const sentences = this.told().map((parts) => parts.map((part) => (typeof part === "string" ? part : this.few(part))).join(""));
    return `${this.heading()}. ${sentences.join(" ")}`;
  }

  /** Which step this is, and where. */
  heading(): string {
    const { forward, backward, boxes } = this.scene.value!;
    const now = this.current.value;
    if (!now) return "The beginning";
    const box = boxes[now.box]!;
    const name = box.name ? (box.kind === "leaf" ? box.name : `${box.title} → ${box.name}`) : box.title;
    if (!now.back) return `Forward ${this.step.value} of ${forward.length}: ${name}`;
    return `Backward ${this.step.value - forward.length} of ${backward.length}: ${name}`;
  }

  private goesForward(place: number, box: Box): Part[][] {
    if (box.kind === "fold") return [[`${box.nodes.toLocaleString("en")} nodes, folded.`], this.gives(box)];
    const scene = this.scene.value!;
    const inputs = scene.roads
      .filter((road) => road.to === place && road.letter)
      .map(({ letter, name, value }) => ({ letter, name, value }))
      .concat(box.constants)
      .sort((a, b) => (a.letter < b.letter ? -1 : 1));
    const lines: Part[][] = [[`${box.formula}.`]];
    for (const { letter, name, value } of inputs) {
      lines.push([`${letter}${name ? ` is ${name}` : ""}: `, value ?? "a value that autograd has not kept", "."]);
    }
    lines.push(this.gives(box));
    return lines;
  }

  private gives(box: Box): Part[] {
    const output = box.outputs[0];
    if (box.results > 1) return [`It gives ${box.results} results.`];
    if (!output) return [];
    if (!output.value) return [`It gives ${output.shape ? `a tensor ${output.shape}` : "a number"}; autograd has not kept it, as the way back does not need it.`];
    return ["It gives y = ", output.value, output.worked ? " (worked out again: autograd has not kept it)." : "."];
  }

  private goesBack(place: number, box: Box): Part[][] {
    const scene = this.scene.value!;
    const uses = scene.roads.filter((road) => road.from === place);
    const arrived = box.outputs.map((output) => output.arrived).filter((one) => one !== null);
    const lines: Part[][] = [];
    const sum = uses.filter((road) => road.left !== null);
    if (box.results > 1) lines.push([`${box.results} results are used further on; a gradient arrives at each that counts.`]);
    else if (!arrived.length) lines.push(["No gradient arrives: the loss does not depend on it."]);
    else if (!uses.length) lines.push(["The way back begins here: the loss follows itself one to one, G = ", arrived[0]!, "."]);
    else if (sum.length > 1 && sum.length === uses.length && uses.length <= 6)
      lines.push([`${uses.length} roads meet here, so their gradients add up: `, ...sum.flatMap((road, i) => (i ? [" + ", road.left!] : [road.left!])), " gives G = ", arrived[0]!, "."]);
    else if (uses.length > 1 || uses.some((road) => road.count > 1)) lines.push(["Several roads meet here, so their gradients add up: G = ", arrived[0]!, "."]);
    else lines.push(["Arrives: G = ", arrived[0]!, "."]);
    if (box.kind === "leaf") return [...lines, [box.end]];
    for (const road of scene.roads.filter((one) => one.to === place)) lines.push(this.leaves(road, box));
    if (box.note) lines.push([box.note]);
    return lines;
  }

  private leaves(road: Road, box: Box): Part[] {
    const name = this.source(road);
    if (box.kind === "fold") return [`On to ${name}: `, road.left ?? (road.count > 1 ? `along ${road.count} roads` : "nothing"), "."];
    const line: Part[] = [`To ${road.letter || name}${road.letter ? ` (${name})` : ""}: ${road.way} `];
    const arrived = box.outputs.length === 1 ? box.outputs[0]!.arrived : null;
    if (road.left === null) return [...line, "Nothing leaves."];
    if (road.factor && arrived && arrived.size <= FEW && road.factor.size <= FEW)
      line.push(arrived, " × ", road.factor, road.note ? `, and the copies added, as ${road.note}: ` : " = ");
    else line.push(road.note ? `The copies are added, as ${road.note}. ` : "", "Leaves: ");
    return [...line, road.left, "."];
  }
}

/** A number as people read it; what is none is named. */
export function say(value: number): string {
  return Number.isNaN(value) ? "NaN" : number(value).replaceAll("-", "−");
}
