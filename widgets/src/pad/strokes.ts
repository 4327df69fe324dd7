// What was drawn: strokes in a unit square, so that they can be undone and drawn at any size.

export type Point = [number, number];

export class Strokes {
  private strokes: Point[][] = [];
  private before: CanvasImageSource | null = null;

  get empty(): boolean {
    return this.strokes.length === 0 && this.before === null;
  }

  /** Go on from a picture whose strokes nobody knows any more, as after a page reload. */
  goOnFrom(picture: CanvasImageSource): void {
    this.before = picture;
  }

  begin(point: Point): void {
    this.strokes.push([inside(point)]);
  }

  extend(point: Point): void {
    this.strokes[this.strokes.length - 1]?.push(inside(point));
  }

  /** Take back the last stroke, and when there is none left the picture below. */
  undo(): void {
    if (this.strokes.pop() === undefined) this.before = null;
  }

  clear(): void {
    this.strokes = [];
    this.before = null;
  }

  /** Draw white strokes on black, on a square canvas; `pen` is the pen's width as a share of the side. */
  paint(context: CanvasRenderingContext2D, pen: number): void {
    const side = context.canvas.width;
    context.fillStyle = "black";
    context.fillRect(0, 0, side, side);
    if (this.before) context.drawImage(this.before, 0, 0, side, side);
    context.strokeStyle = "white";
    context.lineWidth = pen * side;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      const [x, y] = stroke[0]!;
      context.moveTo(x * side, y * side);
      // A single point is a dot.
      for (const [x, y] of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(x * side, y * side);
      context.stroke();
    }
  }
}

function inside([x, y]: Point): Point {
  return [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
}
