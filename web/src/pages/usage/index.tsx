import { Section } from "#/pages/settings/section";
import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { Budget } from "./budget";
import { Figures } from "./figures";
import { Report } from "./report";

/** What the workspace uses, and may use. Administrators who have not opened the room see what it may alone. */
export default function Usage() {
  const { may } = useRoom();
  const reads = may("usage:read");
  return (
    <Page title="Usage and limits">
      {reads && (
        <Section title="Now" about="What runs in the room at this moment.">
          <Figures />
        </Section>
      )}
      <Section title="Budget" about="What its agents may spend.">
        <Budget />
      </Section>
      {reads && (
        <Section title="Agents" about="Tokens, and what they cost: as the agent says, or else by public prices.">
          <Report />
        </Section>
      )}
    </Page>
  );
}
