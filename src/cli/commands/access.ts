import { type Command, Option } from "@commander-js/extra-typings";
import { authorityPath } from "../../access/access-directory.ts";
import {
  type AccessFile,
  formatAccessFile,
  HANDED_ROLES,
  type HandedRole,
} from "../../access/access-file.ts";
import { issueCertificate } from "../../access/authority.ts";
import { CERTIFICATE_DAYS, readAuthority } from "../../access/cluster-keys.ts";
import { type LocatedAccess, locateAccess } from "../../access/find-access.ts";
import { writeAccessFile } from "../../access/write-access.ts";
import { parseAddress } from "../../client/session/address.ts";
import { CliError } from "../cli-error.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { parseWholeNumber } from "../numbers.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";

/** `hyperloom access`: writes an access file for one role, to be handed on. */
export function addAccessCommand(program: Command, result: CommandResult): void {
  program
    .command("access")
    .description("write an access file for one role, to hand on")
    .addOption(
      new Option("-r, --role <role>", "what its holder may be")
        .choices(HANDED_ROLES)
        .makeOptionMandatory(),
    )
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--access-file <file>", "the server's own access file, in place of its address")
    .option("-d, --days <n>", "the certificate is good for so many days", `${CERTIFICATE_DAYS}`)
    .option("-o, --output <file>", "write it there, readable by its owner only (default: print it)")
    .action(async ({ role, server, accessFile, days, output }) => {
      const validDays = parseWholeNumber("--days", days, 1, CERTIFICATE_DAYS);
      const address = serverOrDefault(server);
      const located = locateAccess(parseAddress(address), accessFile);
      if (located === undefined) {
        const text = `No access file of the server at ${address} was found; name one by --access-file`;
        throw new CliError(EXIT.failure, text);
      }
      const access = await handOn(located, role, validDays);
      if (output === undefined) process.stdout.write(formatAccessFile(access));
      else writeAccessFile(output, access);
      result.exitCode = EXIT.ok;
    });
}

/** The part of one role, with a certificate of its own where we have what signs it. */
async function handOn(
  { path, access }: LocatedAccess,
  role: HandedRole,
  validDays: number,
): Promise<AccessFile> {
  const own = access.roles[role];
  if (own === undefined) {
    throw new CliError(EXIT.failure, `The access file ${path} cannot give the role ${role}`);
  }
  const authority = readAuthority(authorityPath(path))?.tls?.authority;
  const certified =
    authority === undefined ? {} : await issueCertificate(authority, role, validDays);
  return { ...access, roles: { [role]: { ...own, ...certified } } };
}
