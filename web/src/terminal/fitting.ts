interface Size {
  cols: number;
  rows: number;
}

/** The size of the font with which all of `size` fits where, with `fontSize`, is `room`: no larger than that, nor smaller than `least`. */
export function fitting(fontSize: number, room: Size, size: Size, least: number): number {
  const share = Math.min(1, room.cols / size.cols, room.rows / size.rows);
  return Math.max(Math.min(least, fontSize), Math.floor(fontSize * share * 2) / 2);
}
