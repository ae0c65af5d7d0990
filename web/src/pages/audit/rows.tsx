import { Badge, Tooltip, UnstyledButton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { AuditRecordView } from "#/api/schema";
import { CalledText } from "#/names/called";
import { Ago } from "#/ui/time";
import classes from "./table.module.css";

/** Of a row, in pixels, as the style sheet has it. */
const HEIGHT = 34;

interface Props {
  records: readonly AuditRecordView[];
  open: (record: AuditRecordView) => void;
}

/** Records, one a row. Only those that can be seen are in the page. */
export function Rows({ records, open }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    getItemKey: (index) => records[index]?.seq ?? index,
    overscan: 10,
  });
  const shown = rows.getVirtualItems();
  return (
    <div ref={scroller} className={classes.scroller}>
      <table className={classes.table} aria-label="Audit log" aria-rowcount={records.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th className={classes.time}>Time</th>
            <th>Action</th>
            <th className={classes.outcome}>Outcome</th>
            <th className={classes.far}>Actor</th>
            <th className={classes.far}>Target</th>
          </tr>
        </thead>
        <tbody>
          <Gap height={shown[0]?.start ?? 0} />
          {shown.map(({ index, key }) => {
            const record = records[index];
            return record && <Row key={key} number={index + 2} record={record} open={open} />;
          })}
          <Gap height={rows.getTotalSize() - (shown.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
    </div>
  );
}

function Gap({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={5} className={classes.gap} style={{ height }} />
    </tr>
  );
}

function Row({ number, record, open }: { number: number; record: AuditRecordView; open: Props["open"] }) {
  return (
    <tr aria-rowindex={number}>
      <td>
        <Ago at={record.time} />
      </td>
      <td>
        <UnstyledButton className={classes.open} fz="sm" onClick={() => open(record)}>
          {record.action}
        </UnstyledButton>
        {record.count > 1 && (
          <Tooltip label="In a flood one record stands for several of its kind">
            <Badge size="xs" variant="default" ml={6}>
              ×{record.count}
            </Badge>
          </Tooltip>
        )}
      </td>
      <td>
        <Badge size="sm" variant="light" tt="none" color={record.outcome === "ok" ? "teal" : "orange"}>
          {record.outcome}
        </Badge>
      </td>
      <td className={classes.far} title={record.actor}>
        <CalledText id={record.actor} />
      </td>
      <td className={classes.far} title={record.target}>
        <CalledText id={record.target} />
      </td>
    </tr>
  );
}
