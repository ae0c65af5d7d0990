import { Badge, Tooltip, UnstyledButton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type Ref, useRef } from "react";
import type { AuditRecordView } from "#/api/schema";
import { CalledText } from "#/names/called";
import { Ago } from "#/ui/time";
import classes from "./table.module.css";

/** Of a row where there is room for all in one line, in pixels, as the style sheet has it. */
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
            <th>Actor</th>
            <th>Target</th>
          </tr>
        </thead>
        <tbody>
          <Gap height={shown[0]?.start ?? 0} />
          {shown.map(({ index, key }) => {
            const record = records[index];
            return record && <Row key={key} ref={rows.measureElement} index={index} record={record} open={open} />;
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

interface RowProps {
  /** Measures it: on a phone it has two lines. */
  ref: Ref<HTMLTableRowElement>;
  index: number;
  record: AuditRecordView;
  open: Props["open"];
}

function Row({ ref, index, record, open }: RowProps) {
  return (
    <tr ref={ref} data-index={index} aria-rowindex={index + 2} className={classes.row}>
      <td className={classes.time}>
        <Ago at={record.time} />
      </td>
      <td className={classes.action}>
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
      <td className={classes.outcome}>
        <Badge size="sm" variant="light" tt="none" color={record.outcome === "ok" ? "teal" : "orange"}>
          {record.outcome}
        </Badge>
      </td>
      <td className={classes.actor} title={record.actor}>
        <CalledText id={record.actor} />
      </td>
      <td className={classes.target} title={record.target}>
        <CalledText id={record.target} />
      </td>
    </tr>
  );
}
