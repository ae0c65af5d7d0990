import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Hunks } from "#/diff/view";
import { ExposedText } from "#/ui/exposedText";
import { besides, editsOf, isFields } from "./edits";
import { Markdown } from "./markdown";
import { Shown } from "./output";

/**
 * What a tool is given, all of it: as a diff where it edits files, as a command where it runs one, as a plan where it tells one, and
 * what else there is as JSON. People decide by it, so nothing in it is left out, hidden or out of its order.
 */
export function ToolInput({ input }: { input: unknown }) {
  if (typeof input === "string") return <Given text={input} />;
  if (!isFields(input)) return <Given text={JSON.stringify(input, null, 2)} />;
  const edits = editsOf(input);
  if (edits.length > 0) {
    return (
      <WithOthers others={besides(input)}>
        {edits.map(({ path, hunks }) => (
          <div className="chat-edit" key={path}>
            <Text size="xs" ff="monospace" className="chat-path">
              <ExposedText text={path} />
            </Text>
            <Hunks hunks={hunks} label={`Changes of ${path}`} />
          </div>
        ))}
      </WithOthers>
    );
  }
  const { command, plan, ...others } = input;
  const line = commandLine(command);
  if (line !== null && plan === undefined) {
    return (
      <WithOthers others={others}>
        <Given text={`$ ${line}`} />
      </WithOthers>
    );
  }
  if (typeof plan === "string" && command === undefined) {
    return (
      <WithOthers others={others}>
        <Markdown text={plan} />
      </WithOthers>
    );
  }
  return <Given text={JSON.stringify(input, null, 2)} />;
}

function WithOthers({ others, children }: { others: Readonly<Record<string, unknown>>; children: ReactNode }) {
  const some = Object.values(others).some((value) => value !== null);
  return (
    <>
      {children}
      {some && <Given label="More of the input" text={JSON.stringify(others, null, 2)} />}
    </>
  );
}

function Given({ text, label = "Input" }: { text: string; label?: string }) {
  return (
    <Shown label={label}>
      <ExposedText text={text} />
    </Shown>
  );
}

/** A command as a shell would take it; null where it is none. */
function commandLine(command: unknown): string | null {
  if (typeof command === "string") return command;
  const words = Array.isArray(command) && command.every((word) => typeof word === "string") ? command : null;
  return words?.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ") ?? null;
}
