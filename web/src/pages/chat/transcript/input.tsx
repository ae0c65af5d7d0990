import { Text } from "@mantine/core";
import { Hunks } from "#/diff/view";
import { editsOf, isFields } from "./edits";
import { Markdown } from "./markdown";
import { Output } from "./output";

/** What a tool is given: as a diff where it edits files, as a command where it runs one, as a plan where it tells one, else as JSON. */
export function ToolInput({ input }: { input: unknown }) {
  const edits = editsOf(input);
  if (edits.length > 0) {
    return edits.map(({ path, hunks }) => (
      <div className="chat-edit" key={path}>
        <Text size="xs" ff="monospace" className="chat-path">
          {path}
        </Text>
        <Hunks hunks={hunks} label={`Changes of ${path}`} />
      </div>
    ));
  }
  if (isFields(input) && typeof input["plan"] === "string") return <Markdown text={input["plan"]} />;
  return <Output label="Input" text={shown(input)} />;
}

function shown(input: unknown): string {
  if (typeof input === "string") return input;
  if (isFields(input)) {
    const { command, description, ...others } = input;
    const words = Array.isArray(command) ? command.join(" ") : command;
    const alone = Object.values(others).every((value) => typeof value !== "object");
    if (typeof words === "string" && alone) return `$ ${words}`;
  }
  return JSON.stringify(input, null, 2);
}
