import type { Me } from "#/api/schema";
import { Section } from "#/pages/settings/section";
import { whoIs } from "#/shell/who";
import { Page } from "#/ui/page";
import { Browsers } from "./browsers";
import { Devices } from "./devices";
import { Identity } from "./identity";

/** Who is signed in, where, and how another device comes to be. */
export default function Account({ me }: { me: Me }) {
  return (
    <Page title="Account" description={whoIs(me)}>
      <Section title="Who you are">
        <Identity me={me} />
      </Section>
      <Section title="Browsers" about={ABOUT[me.role]}>
        <Browsers />
      </Section>
      <Section title="Another device" about="Sign it in without typing anything there.">
        <Devices me={me} />
      </Section>
    </Page>
  );
}

const ABOUT: Readonly<Record<Me["role"], string>> = {
  admin: "Those that are signed in as an administrator, whoever it is.",
  person: "Those in which you are signed in.",
  workspace: "Those that are signed in to this workspace, whoever uses them.",
  organisation: "Those of this organisation.",
  anonymous: "None.",
};
