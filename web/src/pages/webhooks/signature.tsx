import { Accordion, Code, Text } from "@mantine/core";
import { Copy } from "#/ui/copy";

const CHECK = `import base64, hashlib, hmac, time

def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether hostel has sent it, not long ago."""
    number, moment = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(moment)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{number}.{moment}.".encode() + body
    wanted = base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(wanted, one) for one in given)
`;

/** How a receiver knows that a delivery is genuine. */
export function Signature() {
  return (
    <Accordion variant="contained" mt="md" order={2}>
      <Accordion.Item value="signature">
        <Accordion.Control>
          <Text size="sm">How to check a delivery's signature</Text>
        </Accordion.Control>
        <Accordion.Panel>
          <Text size="sm" mb="xs">
            Deliveries follow Standard Webhooks. The header <Code>webhook-signature</Code> has <Code>v1,</Code> and the base64
            of HMAC-SHA256 over <Code>id.timestamp.body</Code>, under the secret without <Code>whsec_</Code>, decoded from
            base64. For a day after the secret was replaced there are two, with a space between them. An answer of 2xx is
            success; else it is tried again with growing pauses, always with the same <Code>webhook-id</Code>, so keep the ids
            that you have seen. An answer of 410 switches the webhook off.
          </Text>
          <Code block tabIndex={0}>
            {CHECK}
          </Code>
          <Copy value={CHECK} label="the function" />
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
