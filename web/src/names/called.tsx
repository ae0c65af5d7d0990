import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import classes from "./called.module.css";
import { useCalled } from "./names";

/** What an id is called. The id shows to who points at it or comes to it by the keyboard, and is copied when it is pressed. */
export function Called({ id }: { id: string }) {
  return (
    <CopyButton value={id} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `${id} · press to copy`} events={{ hover: true, focus: true, touch: true }}>
          <UnstyledButton className={classes["called"]} onClick={copy}>
            <CalledText id={id} />
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** The same as text alone, where the id is shown elsewhere. A name is somebody's own words, which must not mix with those around it. */
export function CalledText({ id }: { id: string }) {
  const { kind, text, note } = useCalled(id);
  return (
    <>
      {kind && <span className={classes["kind"]}>{kind}</span>}
      {kind && " "}
      <bdi>{text}</bdi>
      {note && ` (${note})`}
    </>
  );
}

/** Who made something, as the API tells it: whom the maker stood for and, after a slash, the key that was used. */
export function Maker({ by }: { by: string }) {
  const [actor = "", key] = by.split("/");
  return (
    <>
      <Called id={actor} />
      {key && (
        <>
          {" with "}
          <Called id={key} />
        </>
      )}
    </>
  );
}
