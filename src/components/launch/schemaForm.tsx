/**
 * A part of the spec as Lab's own form component draws it, with labels and errors tied to
 * their inputs.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { FormComponent } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { JSONExt } from '@lumino/coreutils';
import type {
  FieldTemplateProps,
  ObjectFieldTemplateProps,
  RJSFSchema
} from '@rjsf/utils';
// The host loads the whole launch view with `await import()`, and this with it.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { customizeValidator } from '@rjsf/validator-ajv8';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { extraErrors } from './fieldErrors';
import { LITERAL, literalNames } from './formSchema';
import { LiteralWidget } from './literalWidget';
import { literalText, omit, parseLiteral } from './spec';
import type { Json, JsonObject } from './types';

/** Props of `SchemaForm`. */
export interface ISchemaFormProps {
  trans: TranslationBundle;
  /** Simplified, see `formSchema`. */
  schema: RJSFSchema;
  value: JsonObject;
  onChange: (value: JsonObject) => void;
  /** Dotted path of this part in the spec. */
  path: string;
  errors: readonly IErrorInfo[];
  uiSchema?: JsonObject;
  /** Name of the group for screen readers. */
  label: string;
}

interface IContext {
  path: string;
  prefix: string;
}

/** Fields of one part; a field that is left empty keeps the default that it shows. */
export function SchemaForm(props: ISchemaFormProps): JSX.Element {
  const { trans, schema, value, onChange, path, errors, uiSchema, label } =
    props;
  const prefix = React.useId();
  const shown = React.useMemo(
    () => withPlaceholders(schema, trans),
    [schema, trans]
  );
  const extra = React.useMemo(() => extraErrors(errors, path), [errors, path]);
  const form = React.useMemo(() => toForm(schema, value), [schema, value]);
  const context: IContext = { path, prefix };
  return (
    <div role="group" aria-label={label} className="jp-mlkit-form">
      <FormComponent
        schema={shown.schema}
        uiSchema={mergeUi(shown.ui, uiSchema)}
        formData={form as ReadonlyJSONObject}
        onChange={event => {
          const next = fromForm(schema, (event.formData ?? {}) as JsonObject);
          // The library also reports what it filled in itself, which nobody chose.
          if (!JSONExt.deepEqual(next, fromForm(schema, form))) {
            onChange(next);
          }
        }}
        validator={VALIDATOR}
        widgets={WIDGETS}
        extraErrors={extra}
        formContext={context}
        idPrefix={prefix}
        idSeparator="."
        templates={TEMPLATES}
        // The whole view is one form: another tag inside it is not HTML.
        tagName="div"
        liveValidate
        showErrorList={false}
        noHtml5Validate
      />
    </div>
  );
}

const VALIDATOR = customizeValidator<ReadonlyJSONObject>();
const WIDGETS = { literal: LiteralWidget };
const TEMPLATES = {
  FieldTemplate: Field,
  ObjectFieldTemplate: ObjectField
};

function Field(props: FieldTemplateProps): JSX.Element {
  const { id, label, children, rawErrors, rawDescription, schema } = props;
  const { path, prefix } = props.formContext as IContext;
  const inner = id === prefix ? '' : id.slice(prefix.length + 1);
  const isGroup = schema.type === 'object';
  // The library repeats a message that two branches of a schema give.
  const messages = [...new Set(rawErrors ?? [])];
  return (
    <div
      className={isGroup ? 'jp-mlkit-form-group' : 'jp-mlkit-form-field'}
      data-mlkit-field={inner ? `${path}.${inner}` : path}
      hidden={props.hidden}
    >
      {props.displayLabel && !isGroup && <label htmlFor={id}>{label}</label>}
      {children}
      {rawDescription && props.displayLabel && !isGroup && (
        <p id={`${id}__description`} className="jp-mlkit-dim">
          {rawDescription}
        </p>
      )}
      {messages.length > 0 && (
        <p id={`${id}__error`} className="jp-mlkit-fieldError" role="alert">
          {messages.join(' ')}
        </p>
      )}
    </div>
  );
}

function ObjectField(props: ObjectFieldTemplateProps): JSX.Element {
  const { title, properties, formContext, idSchema } = props;
  const fields = properties.map(property => property.content);
  if (idSchema.$id === (formContext as unknown as IContext).prefix) {
    return <>{fields}</>;
  }
  return (
    <fieldset className="jp-mlkit-form-fieldset">
      <legend>{title}</legend>
      <div className="jp-mlkit-form-row">{fields}</div>
    </fieldset>
  );
}

/** Defaults are shown as placeholders, so that the spec holds only what a person chose. */
function withPlaceholders(
  schema: RJSFSchema,
  trans: TranslationBundle
): { schema: RJSFSchema; ui: JsonObject } {
  const ui: JsonObject = {};
  const properties: Record<string, RJSFSchema> = {};
  for (const [name, given] of Object.entries(schema.properties ?? {})) {
    const property = given as RJSFSchema;
    if (property.type === 'object') {
      const inner = withPlaceholders(property, trans);
      properties[name] = withoutDefault(inner.schema);
      ui[name] = inner.ui;
    } else if (property.type === 'boolean') {
      properties[name] = property;
    } else {
      properties[name] = withoutDefault(otherChoices(property));
      const isLiteral = (property as JsonObject)[LITERAL] === true;
      ui[name] = {
        ...(property.default === undefined
          ? {}
          : { 'ui:placeholder': placeholder(property, trans) }),
        ...(isLiteral ? { 'ui:widget': 'literal' } : {})
      };
    }
  }
  return { schema: { ...schema, properties }, ui };
}

/** An empty choice stands for the default, so it is not offered a second time. */
function otherChoices(schema: RJSFSchema): RJSFSchema {
  if (!schema.enum) {
    return schema;
  }
  const choices = [...new Set(schema.enum)];
  const others = choices.filter(choice => choice !== schema.default);
  return { ...schema, enum: others.length > 0 ? others : choices };
}

function placeholder(schema: RJSFSchema, trans: TranslationBundle): string {
  const text = literalText(schema.default as Json);
  return schema.enum ? trans.__('%1 (default)', text) : text;
}

function withoutDefault(schema: RJSFSchema): RJSFSchema {
  return omit(schema, ['default']) as RJSFSchema;
}

function mergeUi(own: JsonObject, given: JsonObject | undefined): JsonObject {
  const merged: JsonObject = { ...own };
  for (const [name, value] of Object.entries(given ?? {})) {
    const before = merged[name];
    merged[name] =
      isObject(before) && isObject(value) ? mergeUi(before, value) : value;
  }
  return merged;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toForm(schema: RJSFSchema, value: JsonObject): JsonObject {
  const form = withoutNulls(value);
  for (const [name, given] of Object.entries(schema.properties ?? {})) {
    const property = given as RJSFSchema;
    if (property.type === 'boolean' && property.default !== undefined) {
      form[name] = value[name] ?? (property.default as boolean);
    } else if (property.enum && value[name] === property.default) {
      delete form[name];
    }
  }
  for (const name of literalNames(schema)) {
    if (Object.hasOwn(value, name)) {
      form[name] = literalText(value[name]);
    }
  }
  return form;
}

/** The library takes null for a value of the wrong type, inside a group too. */
function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([name, item]) => [name, isObject(item) ? withoutNulls(item) : item])
  );
}

function fromForm(schema: RJSFSchema, form: JsonObject): JsonObject {
  const literals = new Set(literalNames(schema));
  const value: JsonObject = {};
  for (const [name, item] of Object.entries(form)) {
    const read =
      literals.has(name) && typeof item === 'string'
        ? parseLiteral(item)
        : item;
    const property = schema.properties?.[name] as RJSFSchema | undefined;
    const isDefault = property?.type === 'boolean' && property.default === read;
    const isEmpty =
      isObject(read) && Object.values(read).every(inner => inner === undefined);
    if (read !== undefined && !isDefault && !isEmpty) {
      value[name] = read;
    }
  }
  return value;
}
