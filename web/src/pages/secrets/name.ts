/** What the API says of names, in words, before it is asked. */
export const NAME_RULES =
  "Letters, digits and _, not beginning with a digit. Names by which programs are found, run or redirected, like PATH or LD_PRELOAD, are refused.";

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** What is wrong with a name, as far as its letters go; null when nothing is. */
export function nameError(name: string): string | null {
  if (name === "" || NAME.test(name)) return null;
  if (/^[0-9]/.test(name)) return "A name does not begin with a digit.";
  return name.length > 64 ? "A name has at most 64 characters." : "A name has letters, digits and _ only.";
}
